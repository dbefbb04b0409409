/** Where a request wants to go. Two parsers that read it differently are how callers get around a proxy. */

/** A path and query as sent, ready for the upstream, or what is wrong with them. */
export type Place = { readonly path: string; readonly query: string } | { readonly fault: string }

/** RFC 3986 3.2.2 without user names: what a Host field may be. */
const hostPattern = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]{1,5})?$/

export function isHost(text: string): boolean {
  return hostPattern.test(text)
}

/** Nothing in it that any reader could take for something else: no percent sign, no dot at the start of a part. */
const ordinary = /^((?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+)(\?[A-Za-z0-9_.~=&-]*)?$/

/** Reads a request target (RFC 9112 3.2); `host` is the request's Host field. */
export function readPlace(target: string, host: string): Place {
  const [whole, ordinaryPath, ordinaryQuery = ''] = ordinary.exec(target) ?? []
  if (whole !== undefined && ordinaryPath !== undefined) return { path: ordinaryPath, query: ordinaryQuery }
  const origin = originForm(target, host)
  if (origin === undefined) return { fault: 'The request target is not a path of this host.' }
  if (/[^\x21-\x7e]/.test(origin))
    return { fault: 'The request target holds characters that must be encoded.' }
  if (origin.includes('#')) return { fault: 'The request target holds a fragment.' }
  const mark = origin.indexOf('?')
  const path = mark === -1 ? origin : origin.slice(0, mark)
  const query = mark === -1 ? '' : origin.slice(mark)
  const fault = pathFault(path) ?? (query.includes('\\') ? 'The query holds a backslash.' : undefined)
  return fault === undefined ? { path, query } : { fault }
}

/** RFC 9112 3.2.2: a proxy takes the absolute form too; ours serves no other host than the one that was named. */
function originForm(target: string, host: string): string | undefined {
  if (target.startsWith('/')) return target
  const absolute = /^http:\/\/([^/?#]*)(.*)$/i.exec(target)
  if (absolute === null || absolute[1]?.toLowerCase() !== host.toLowerCase()) return undefined
  const rest = absolute[2] ?? ''
  return rest.startsWith('/') ? rest : `/${rest}`
}

function pathFault(path: string): string | undefined {
  if (path.startsWith('//')) return 'The path starts with two slashes.'
  if (path.includes('\\') || /%5c/i.test(path)) return 'The path holds a backslash.'
  if (/%2f/i.test(path)) return 'The path holds an encoded slash.'
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'The path holds a percent sign that encodes nothing.'
  if (/%(?:[01][0-9A-Fa-f]|7f)/i.test(path)) return 'The path holds an encoded control character.'
  if (!isUtf8(path)) return 'The path holds encoded octets that are not UTF-8.'
  return path.split('/').some(isDotSegment) ? 'The path holds a dot segment.' : undefined
}

/** Lenient decoders read overlong forms such as `%c0%ae` as a dot or a slash (RFC 3629 10). */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** `..;x` too: some servers drop what follows the semicolon and then see the dots. */
function isDotSegment(segment: string): boolean {
  const name = segment.replaceAll(/%2e/gi, '.').replaceAll(/%3b/gi, ';').split(';')[0]
  return name === '.' || name === '..'
}

/** RFC 6750 2.3 lets tokens travel in the query; RFC 9700 4.3.2 forbids it, because URLs are logged. */
export function hasQueryToken(query: string): boolean {
  if (query === '' || (isUnencoded(query) && !/access_token/i.test(query))) return false
  const names = query
    .slice(1)
    .split(/[&;]/)
    .map((pair) => decoded(pair.split('=')[0] ?? ''))
  return names.some((name) => name.trim().toLowerCase() === 'access_token')
}

/** Every name in the query stands there as it is. */
export function isUnencoded(query: string): boolean {
  return !/[%+]/.test(query)
}

function decoded(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  return spaced.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}
