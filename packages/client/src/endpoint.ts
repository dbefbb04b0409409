/**
 * The broker's URL in the one form that names it: no slash at the end. It is also the audience that its subject
 * tokens carry. Throws a TypeError for a URL that would send a token in the clear (RFC 6749 3.2 asks for TLS);
 * plain http is for loopback only.
 */
export function brokerUrl(text: string): string {
  const url = secureUrl(text, 'The broker URL')
  if (url.search !== '' || url.hash !== '') throw new TypeError('The broker URL has a query or a fragment.')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

/** A URL that a token may be sent to: https, or http on loopback, without a user or a password. */
export function secureUrl(text: string, what: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new TypeError(`${what} is not a URL.`)
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`${what} holds a user or a password; leave them out.`)
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw new TypeError(`${what} must begin with https:// (http:// works for loopback only).`)
  }
  return url
}

/** `URL` has already brought every way of writing an IPv4 address into four decimal parts. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
