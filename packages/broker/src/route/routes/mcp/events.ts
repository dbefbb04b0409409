/**
 * The data of each event of a stream (WHATWG HTML, "Server-sent events"): lines end in CR, LF or both, data may have
 * several lines. Throws a `TypeError` for an event beyond `most` characters.
 */
export async function* eventsOf(body: ReadableStream<Uint8Array>, most: number): AsyncGenerator<string> {
  let line = ''
  let data: string[] = []
  let size = 0
  let isAfterReturn = false
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    // The second half of a CRLF; what came before is not looked at again, however long its line is.
    const [begun = '', ...more] = text
      .slice(isAfterReturn && text.startsWith('\n') ? 1 : 0)
      .split(/\r\n|\n|\r/)
    isAfterReturn = text.endsWith('\r')
    line += begun
    for (const next of more) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
        size = 0
      } else {
        const value = /^data(?:: ?(.*))?$/s.exec(line)
        // An empty line of data is a character too: its end.
        size += value === null ? 0 : line.length
        if (value !== null) data.push(value[1] ?? '')
      }
      line = next
    }
    if (size + line.length > most) throw new TypeError('an event that is too long')
  }
}
