/** A request's head in HTTP/2 (RFC 9113 8.3.1), as HTTP/1.1 says it, and an answer's head the other way. */
import { pairs } from '../fields.ts'

/** As Node's client of HTTP/1.1 takes it. */
export interface Head {
  readonly method: string
  readonly path: string
  /** A flat list. */
  readonly headers: readonly string[]
}

/** RFC 9113 8.2.2: what belongs to a connection of HTTP/1.1 has no meaning here, and may mean something behind us. */
const ofConnections = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** `undefined`: a head that no request of HTTP/1.1 can say in one way. `hasBody`: the stream goes on after its head. */
export function headOf(raw: readonly string[], hasBody: boolean): Head | undefined {
  const pseudo = new Map<string, string>()
  const headers: string[] = []
  const cookies: string[] = []
  const hosts: string[] = []
  let isFramed = false
  for (const [name, value] of pairs(raw)) {
    if (name.startsWith(':')) {
      if (pseudo.has(name)) return undefined
      pseudo.set(name, value)
    } else if (ofConnections.has(name) || /[^!#$%&'*+.^_`|~0-9a-z-]/.test(name) || !isValue(value))
      return undefined
    else if (name === 'te' && value.toLowerCase() !== 'trailers') return undefined
    // RFC 9113 8.2.3: a list in pieces.
    else if (name === 'cookie') cookies.push(value)
    else if (name === 'host') hosts.push(value)
    else {
      isFramed ||= name === 'content-length'
      headers.push(name, value)
    }
  }
  const [method = '', path = '', scheme] = [':method', ':path', ':scheme'].map((name) => pseudo.get(name))
  const host = pseudo.get(':authority') ?? hosts[0]
  if (pseudo.has(':protocol') || scheme !== 'https' || host === undefined) return undefined
  if (hosts.length > 1 || hosts.some((each) => each !== host)) return undefined
  // Node's client would make `GET` of `get`, which is another method (RFC 9110 9.1). CONNECT and `OPTIONS *` are not
  // carried; an absolute form would name its host a second time.
  if (!/^[!#$%&'*+.^_`|~0-9A-Z-]+$/.test(method) || method === 'CONNECT' || !path.startsWith('/'))
    return undefined
  if (/[^\x21-\x7e]/.test(path) || !isValue(host)) return undefined
  headers.unshift('host', host)
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '))
  if (hasBody && !isFramed) headers.push('transfer-encoding', 'chunked')
  return { method, path, headers }
}

/** RFC 9110 5.5, in octets as Node reads them. */
function isValue(text: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(text)
}

/** An answer's fields by name: names in lower case, nothing of the connection that it came on. */
export function answerFields(raw: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null)
  for (const [name, value] of pairs(raw)) {
    const lower = name.toLowerCase()
    if (ofConnections.has(lower)) continue
    const values = fields[lower]
    if (values === undefined) fields[lower] = [value]
    else values.push(value)
  }
  return fields
}
