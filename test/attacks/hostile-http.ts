/**
 * Requests and why each is refused, for a token that may `GET /orders/{id}` and `POST /orders` with a kind. `TOKEN` stands for the
 * token. Sent as raw bytes, because clients refuse to send most of them.
 */
export interface HostileRequest {
  readonly head: readonly string[]
  readonly body?: string
  /** In the log. */
  readonly reason: RegExp
}

/** What the token may do. */
export const hostilePolicy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-api:
    tier: staging
    token:
      audience: https://orders.acme.example
      scopes:
        read: { access: read, requests: ["GET /orders/{id}"] }
        sample: { access: write, requests: [{ request: POST /orders, body: { /kind: [sample] } }] }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: orders-api, for: 10m }
`

const auth = 'Authorization: Bearer TOKEN'
const host = 'Host: orders.example'
const get = (target: string, reason: RegExp, ...more: string[]): HostileRequest => ({
  head: [`GET ${target} HTTP/1.1`, host, auth, ...more],
  reason,
})
const post = (reason: RegExp, body: string, ...more: string[]): HostileRequest => ({
  head: ['POST /orders HTTP/1.1', host, auth, 'Content-Type: application/json', ...more],
  body,
  reason,
})
const inner = `GET /orders/1 HTTP/1.1\r\n${host}\r\n${auth}\r\n\r\n`

export const hostileRequests: readonly HostileRequest[] = [
  // Where a request ends (RFC 9112 6.3, 11.2).
  post(
    /its transfer encoding does not end/,
    `0\r\n\r\n${inner}`,
    'Content-Length: 6',
    'Transfer-Encoding: chunked',
  ),
  post(/its length is no number/, `0\r\n\r\n${inner}`, 'Transfer-Encoding: chunked', 'Content-Length: 6'),
  post(/two lengths/, '{}{}{}', 'Content-Length: 2', 'Content-Length: 6'),
  post(/its length is no number/, '{}', 'Content-Length: 2, 2'),
  post(/its length is no number/, '{}', 'Content-Length: +2'),
  post(/its length is no number/, '{}', 'Content-Length: 0x2'),
  post(/its length is no number/, '{}', 'Content-Length: -1'),
  post(/only transfer encoding/, '0\r\n\r\n', 'Transfer-Encoding: xchunked'),
  post(/its transfer encoding does not end/, '0\r\n\r\n', 'Transfer-Encoding: chunked, identity'),
  post(
    /its transfer encoding does not end/,
    '0\r\n\r\n',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity',
  ),
  post(/a field has a name or a value/, '0\r\n\r\n', 'Transfer-Encoding : chunked'),
  post(/a field has a name or a value/, '0\r\n\r\n', ' Transfer-Encoding: chunked'),
  {
    head: ['POST /orders HTTP/1.0', host, auth, 'Transfer-Encoding: chunked'],
    body: `0\r\n\r\n${inner}`,
    reason: /need HTTP\/1\.1/,
  },
  // Lines and octets.
  get('/orders/1', /a field has a name or a value/, 'X-A: a\r\n folded'),
  get('/orders/1', /a field has a name or a value/, 'X-A: a\0b'),
  get('/orders/1', /a field has a name or a value/, 'X A: b'),
  get('/orders/1', /ends in LF alone/, `X-A: a\nHost: other.example`),
  { head: [`GET /orders/1 HTTP/1.1\nHost: a`, auth], reason: /its version of HTTP/ },
  { head: ['GET /orders/1 HTTP/1.2', host, auth], reason: /its version of HTTP/ },
  { head: ['G\u00cbT /orders/1 HTTP/1.1', host, auth], reason: /its method is none/ },
  get('/orders/1', /its head is too long/, `X-A: ${'a'.repeat(20_000)}`),
  // Whose request it is.
  { head: ['GET /orders/1 HTTP/1.1', host, 'Host: admin.example', auth], reason: /one valid Host/ },
  { head: ['GET /orders/1 HTTP/1.1', auth], reason: /one valid Host/ },
  { head: ['GET /orders/1 HTTP/1.1', 'Host: a@b', auth], reason: /one valid Host/ },
  { head: ['GET http://admin.example/orders/1 HTTP/1.1', host, auth], reason: /not a path of this host/ },
  { head: ['GET orders/1 HTTP/1.1', host, auth], reason: /its target is none/ },
  { head: ['CONNECT admin.example:443 HTTP/1.1', host, auth], reason: /CONNECT is not carried/ },
  { head: ['TRACE /orders/1 HTTP/1.1', host, auth], reason: /TRACE is not carried/ },
  get(
    '/orders/1',
    /Upgrades are not carried/,
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
  ),
  // Which path it is.
  get('/orders/../admin', /dot segment/),
  get('/orders/%2e%2e/admin', /dot segment/),
  get('/orders/..;x/admin', /dot segment/),
  get('/orders/.%2E/admin', /dot segment/),
  get('//admin/orders', /two slashes/),
  get('/orders%2f1', /encoded slash/),
  get('/orders\\1', /backslash/),
  get('/orders/%5c1', /backslash/),
  get('/orders/1%00', /control character/),
  get('/orders/%c0%ae%c0%ae', /not UTF-8/),
  get('/orders/%zz', /encodes nothing/),
  get('/orders/1#/admin', /fragment/),
  get('/orders/1;admin=1', /no scope of the token lists/),
  get('/orders//1', /no scope of the token lists/),
  get('/Orders/1', /no scope of the token lists/),
  get('/orders/1/', /no scope of the token lists/),
  get('/admin', /no scope of the token lists/),
  // What it asks for beside.
  get('/orders/1', /another method/, 'X-HTTP-Method-Override: DELETE'),
  get('/orders/1', /another method/, 'X_HTTP_Method_Override: DELETE'),
  get('/orders/1?_method=DELETE', /another method/),
  get('/orders/1?%5fmethod=DELETE', /another method/),
  { head: ['DELETE /orders/1 HTTP/1.1', host, auth], reason: /no scope of the token lists/ },
  { head: ['get /orders/1 HTTP/1.1', host, auth], reason: /its method is none/ },
  post(/member that stands twice/, '{"kind":"sample","kind":"express"}', 'Content-Length: 34'),
  post(/body/, '{"kind":"express"}', 'Content-Length: 18'),
  post(/request_malformed/, 'kind=sample', 'Content-Length: 11'),
  // Who asks.
  { head: ['GET /orders/1 HTTP/1.1', host], reason: /no token/ },
  { head: ['GET /orders/1 HTTP/1.1', host, auth, auth], reason: /request_malformed|several Authorization/ },
  {
    head: ['GET /orders/1 HTTP/1.1', host, 'Authorization: Bearer TOKEN, Bearer TOKEN'],
    reason: /request_malformed|one bearer token/,
  },
  { head: ['GET /orders/1 HTTP/1.1', host, 'Authorization: Basic am9iOlQ='], reason: /no token/ },
  {
    head: ['GET /orders/1?access_token=TOKEN HTTP/1.1', host],
    reason: /request_malformed|token in the query/,
  },
  {
    head: [
      'GET /orders/1 HTTP/1.1',
      host,
      'X-Mayfly-Subject: github:admin',
      'X-Forwarded-User: admin',
      'Cookie: token=TOKEN',
    ],
    reason: /no token/,
  },
]
