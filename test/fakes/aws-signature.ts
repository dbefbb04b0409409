/** Signature Version 4 as AWS documents it, for stand-ins of its services: written anew, not with the product's code. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface SignatureRules {
  readonly service: string
  readonly region: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The secret of an access key; `undefined` when there is no such key. */
  readonly secretOf: (id: string) => string | undefined
}

export type Checked = { readonly id: string } | { readonly fault: 'unknown key' | 'clock' | 'signature' }

const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** Who signed a POST to `/`, or why it counts as nobody. */
export function checkSignature(request: IncomingMessage, body: string, rules: SignatureRules): Checked {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    )
  const [, id = '', date = '', region = '', service = '', names = '', signature = ''] = given ?? []
  const secret = rules.secretOf(id)
  if (secret === undefined) return { fault: 'unknown key' }
  const time = String(request.headers['x-amz-date'])
  const clock = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(clock - rules.now()) <= 300_000) || !time.startsWith(date)) return { fault: 'clock' }
  const signedNames = names.split(';')
  const due = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))]
  if (!due.every((name) => signedNames.includes(name))) return { fault: 'signature' }
  const value = (name: string) => String(request.headers[name] ?? '')
  const lines = signedNames.map((name) => `${name}:${value(name).trim().replaceAll(/ +/g, ' ')}\n`)
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${sha(body)}`
  const key = mac(mac(mac(mac(`AWS4${secret}`, date), region), service), 'aws4_request')
  const scope = `${date}/${region}/${service}/aws4_request`
  const expected = mac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha(canonical)}`)
  const right = region === rules.region && service === rules.service
  return right && timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? { id } : { fault: 'signature' }
}
