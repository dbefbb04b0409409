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

/**
 * AWS Signature Version 4 of a POST without a query. Answers with all headers to send. `now` in milliseconds: AWS
 * refuses a clock that is more than five minutes off.
 */
export function signed(
  { url, headers, body }: Unsigned,
  key: AwsKey,
  place: { readonly region: string; readonly service: string },
  now: number,
): Readonly<Record<string, string>> {
  const time = new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(key.sessionToken === undefined ? {} : { 'x-amz-security-token': key.sessionToken.reveal() }),
  }
  const names = Object.keys(all).sort()
  const canonical = [
    'POST',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${all[name]?.trim() ?? ''}`),
    '',
    names.join(';'),
    hash(body),
  ].join('\n')
  const scope = `${date}/${place.region}/${place.service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')
  const signingKey = [place.region, place.service, 'aws4_request'].reduce(
    keyed,
    keyed(`AWS4${key.secret.reveal()}`, date),
  )
  const signature = keyed(signingKey, toSign).toString('hex')
  const { host: _, ...sent } = all
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${key.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}
