/**
 * The `aws_kms` wrap: AWS KMS encrypts and decrypts the keys of envelopes under a key that never leaves it. It sees no
 * secret, only the 32 bytes that one is sealed under, and the secret's name as encryption context.
 */
import { Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'
import { signed } from '../../../base/sigv4.ts'
import type { Tools } from '../../../base/tools.ts'
import { ask, member, noAnswer, type Reply, textLike } from '../../ask.ts'
import type { KeyWrap } from '../../envelope.ts'

/** `keys.wrap`, with its secrets in place. */
export interface AwsKmsSettings {
  readonly region: string
  readonly endpoint?: string | undefined
  readonly access_key_id: string
  readonly secret_access_key: Secret
  readonly session_token?: Secret | undefined
}

export interface AwsKmsParts {
  readonly settings: AwsKmsSettings
  /** Id or ARN. Asked for each time, so that KMS opens nothing that another key of the account wrapped. */
  readonly keyId: string
  readonly tools: Pick<Tools, 'now'>
  /** Milliseconds that an answer may take; five seconds when absent. */
  readonly answerMs?: number
}

const who = 'AWS KMS'
const base64 = /^[A-Za-z0-9+/]{1,8192}={0,2}$/

/** One key of AWS KMS as a `KeyWrap`. It keeps nothing: each call is one question. */
export function openAwsKmsWrap(parts: AwsKmsParts): KeyWrap {
  const { keyId } = parts
  return {
    async wrap(context, key) {
      const body = { ...named(keyId, context), Plaintext: Buffer.from(key).toString('base64') }
      return bytesOf(await askKms(parts, 'Encrypt', body), keyId, 'CiphertextBlob')
    },
    async unwrap(context, wrapped) {
      const body = { ...named(keyId, context), CiphertextBlob: Buffer.from(wrapped).toString('base64') }
      return bytesOf(await askKms(parts, 'Decrypt', body), keyId, 'Plaintext')
    },
  }
}

/** The encryption context is authenticated by KMS, and readable in AWS CloudTrail: who used which secret's key, and when. */
function named(keyId: string, context: string) {
  return { KeyId: keyId, EncryptionContext: { mayfly: context } }
}

async function askKms(
  { settings, tools, answerMs }: AwsKmsParts,
  action: 'Encrypt' | 'Decrypt',
  content: object,
): Promise<Reply> {
  const { region, access_key_id: id, secret_access_key: secret, session_token: sessionToken } = settings
  const url = new URL(settings.endpoint ?? `https://kms.${region}.amazonaws.com`)
  const body = JSON.stringify(content)
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `TrentService.${action}`,
  }
  const key = { id, secret, ...(sessionToken === undefined ? {} : { sessionToken }) }
  const reply = await ask({
    ...{ who, url: url.href, method: 'POST', body },
    headers: signed({ url, headers, body }, key, { region, service: 'kms' }, tools.now()),
    milliseconds: answerMs ?? 5_000,
    signal: new AbortController().signal,
  })
  if (reply.status === 200) return reply
  throw refusal(reply)
}

/** What was wrapped by another key, for another context, or not at all: asking again changes nothing. */
const notOurs: ReadonlySet<string> = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])

/** What KMS writes beside its code may repeat what we sent: it goes no further. */
function refusal(reply: Reply): Failure {
  const word = textLike(member(reply.json, '__type'), /^([a-z.]{1,64}#)?[A-Za-z]{1,64}$/)
  const code = word?.slice(word.indexOf('#') + 1)
  const reason = `${who} answers ${reply.status}${code === undefined ? '' : `: ${code}`}`
  if (reply.status === 400 && code !== undefined && notOurs.has(code))
    return new Failure('internal', { reason: `a wrapped key does not open: ${reason}` })
  // Of all others (throttled, denied, disabled, another clock) some end by themselves and some when somebody mends them.
  return new Failure('provider_unavailable', { reason, retryAfter: reply.retryAfter })
}

function bytesOf(reply: Reply, keyId: string, name: 'CiphertextBlob' | 'Plaintext'): Uint8Array {
  const used = member(reply.json, 'KeyId')
  const ours = typeof used === 'string' && (used === keyId || used.endsWith(`:key/${keyId}`))
  const text = textLike(member(reply.json, name), base64)
  if (!ours || text === undefined) throw noAnswer({ who })
  return Buffer.from(text, 'base64')
}
