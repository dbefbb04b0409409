/**
 * The data of each event of a stream (WHATWG HTML, "Server-sent events"): lines end in CR, LF or both, data may have
 * several lines. Throws a `TypeError` for an event beyond `most` characters.
 */
export async function* eventsOf(body: ReadableStream<Uint8Array>, most: number): AsyncGenerator<string> {
  let rest = ''
  let data: string[] = []
  let size = 0
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true })
    // A CR at the end may be half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length > most) throw new TypeError('an event that is too long')
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n')
        data = []
        size = 0
        continue
      }
      const value = /^data:? ?(.*)$/s.exec(line)?.[1]
      if (value === undefined) continue
      size += value.length
      if (size > most) throw new TypeError('an event that is too long')
      data.push(value)
    }
  }
}
