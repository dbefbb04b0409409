/**
 * The head of an upstream's answer (RFC 9112 4, 5), read by us where it is of the plainest kind. Whatever is not is left
 * to Node's parser: two readers of one message are safe only where the second reads nothing that the first could doubt.
 */

/** A head that leaves no doubt about where its message ends. */
export interface PlainHead {
  readonly status: number
  readonly message: string
  /** Flat: each name, then its value. */
  readonly fields: readonly string[]
  /** Octets of the body that is announced. */
  readonly length: number
  /** The upstream takes another request on the same connection. */
  readonly keeps: boolean
}

const statusLine = /^HTTP\/1\.1 ([2-5][0-9]{2}) ([\t\x20-\x7e]*)$/
/** A token, a colon, a value without control characters (RFC 9110 5.1, 5.5). */
const fieldLine =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?)[ \t]*$/

/**
 * Reads what stands before the empty line, without it. `undefined`: anything at all that is not plain, such as another
 * version, an interim answer, no length or two, a transfer encoding, a switch of protocols, a line that is no field.
 */
export function readPlainHead(text: string): PlainHead | undefined {
  const lines = text.split('\r\n')
  const start = statusLine.exec(lines[0] ?? '')
  if (start === null) return undefined
  const fields: string[] = []
  let length: number | undefined
  let keeps = true
  for (let at = 1; at < lines.length; at++) {
    const [whole, name, value] = fieldLine.exec(lines[at] ?? '') ?? []
    if (whole === undefined || name === undefined || value === undefined) return undefined
    fields.push(name, value)
    const meaning = framed(name)
    if (meaning === 'content-length') {
      if (length !== undefined || !/^(?:0|[1-9][0-9]{0,14})$/.test(value)) return undefined
      length = Number(value)
    } else if (meaning === 'connection') {
      const option = value.toLowerCase()
      if (option === 'close') keeps = false
      else if (option !== 'keep-alive') return undefined
    } else if (meaning !== undefined) return undefined
  }
  const status = Number(start[1])
  // Those have no body, whatever they say (RFC 9112 6.3); who announces one is not plain.
  const bodiless = status === 204 || status === 304
  if (bodiless ? (length ?? 0) > 0 && status === 204 : length === undefined) return undefined
  return { status, message: start[2] ?? '', fields, length: bodiless ? 0 : (length ?? 0), keeps }
}

/** Fields that say where a message ends or what becomes of its connection (RFC 9110 7.6.1, 7.8, RFC 9112 6). */
const framing = ['content-length', 'connection', 'transfer-encoding', 'upgrade', 'trailer'] as const
/** Most names are told from these by their length alone. */
const lengths: ReadonlySet<number> = new Set(framing.map(({ length }) => length))

function framed(name: string): (typeof framing)[number] | undefined {
  if (!lengths.has(name.length)) return undefined
  const lower = name.toLowerCase()
  return framing.find((each) => each === lower)
}
