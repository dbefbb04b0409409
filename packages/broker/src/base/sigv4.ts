import { createHash, createHmac } from 'node:crypto'
import type { Secret } from './secret.ts'

export interface AwsKey {
  readonly id: string
  readonly secret: Secret
  readonly sessionToken?: Secret
}

export interface Unsigned {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const keyed = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Where a key is good for what. */
export interface Place {
  readonly region: string
  readonly service: string
}

/** A request as it will be sent; `headers` are those that are signed, by lower-case name, `host` among them. */
export interface Canonical {
  readonly method: string
  /** Encoded as the service reads it (`canonicalPath`). */
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** SHA-256 of the body, hex, or what a service takes in its place. */
  readonly payload: string
}

/** `20261123T120000Z`. AWS refuses a clock that is more than five minutes off. */
export function amzDate(now: number): string {
  return new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
}

/** The value of `Authorization` for a request that has `x-amz-date` among its headers. */
export function authorizationOf(request: Canonical, key: AwsKey, place: Place): string {
  const { method, path, query, headers, payload } = request
  const time = headers['x-amz-date'] ?? ''
  const date = time.slice(0, 8)
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`)
  const canonical = [method, path, query, ...lines, '', names.join(';'), payload].join('\n')
  const scope = `${date}/${place.region}/${place.service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')
  const signingKey = [place.region, place.service, 'aws4_request'].reduce(
    keyed,
    keyed(`AWS4${key.secret.reveal()}`, date),
  )
  const signature = keyed(signingKey, toSign).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${key.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
}

/** RFC 3986 2.3: only unreserved characters stay. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Of a path as it is sent: S3 takes it as it is, every other service encodes it once more. */
export function canonicalPath(path: string, service: string): string {
  const once = (part: string) => (service === 's3' ? encoded(decodeURIComponent(part)) : encoded(part))
  return path.split('/').map(once).join('/')
}

/** Of a query with its question mark, or of none. Throws for what is not UTF-8. */
export function canonicalQuery(query: string): string {
  if (query.length < 2) return ''
  const pairs = query
    .slice(1)
    .split('&')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [encoded(decodeURIComponent(name)), encoded(decodeURIComponent(value.join('=')))] as const
    })
  const order = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0)
  const sorted = pairs.toSorted(([a, x], [b, y]) => order(a, b) || order(x, y))
  return sorted.map(([name, value]) => `${name}=${value}`).join('&')
}

/** SHA-256 of a body, hex. */
export function payloadHash(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/**
 * AWS Signature Version 4 of a POST without a query. Answers with all headers to send. `now` in milliseconds: AWS
 * refuses a clock that is more than five minutes off.
 */
export function signed(
  { url, headers, body }: Unsigned,
  key: AwsKey,
  place: Place,
  now: number,
): Readonly<Record<string, string>> {
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': amzDate(now),
    ...(key.sessionToken === undefined ? {} : { 'x-amz-security-token': key.sessionToken.reveal() }),
  }
  const request = { method: 'POST', path: url.pathname, query: '', headers: all, payload: payloadHash(body) }
  const { host: _, ...sent } = all
  return { ...sent, authorization: authorizationOf(request, key, place) }
}
