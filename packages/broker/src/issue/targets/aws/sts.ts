import { Failure } from '../../../base/failure.ts'
import { ask, noAnswer, orClock, type Reply } from '../../ask.ts'

/** What STS gives. */
export interface StsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** Seconds since 1970. */
  readonly expiration: number
}

/** One question to STS. */
export interface StsQuestion {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Milliseconds for the whole answer. */
  readonly milliseconds: number
  readonly signal: AbortSignal
  /** Seconds since 1970. */
  readonly now: number
}

/**
 * Asks STS once. Throws `target_refused` with AWS's code where AWS refuses for good, `provider_unavailable` where it
 * may answer otherwise later. What AWS writes beside the code may repeat the token: it goes no further.
 */
export async function askSts({ url, headers, now, ...rest }: StsQuestion): Promise<StsKeys> {
  // Asked for JSON, AWS gives JSON, of a form that it does not document.
  const sent = { ...headers, accept: 'text/xml' }
  const reply = await ask({ ...rest, who: 'STS', url: url.href, method: 'POST', headers: sent })
  if (reply.status !== 200) throw refusal(reply, now)
  const keys = keysIn(reply.text)
  if (keys === undefined) throw noAnswer(reply)
  return keys
}

/** Refusals that asking again does not change; every other one may be AWS's bad day. */
const forGood: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'InvalidIdentityToken',
  'IDPRejectedClaim',
  'MalformedPolicyDocument',
  'PackedPolicyTooLarge',
  'RegionDisabledException',
  'ValidationError',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
])

/** What a clock that is off looks like: AWS gives signatures and tokens minutes, and no code of their own. */
const ofClocks: ReadonlySet<string> = new Set(['InvalidIdentityToken', 'SignatureDoesNotMatch'])

function refusal(reply: Reply, now: number): Failure {
  const code = only(reply.text, /<Code>([A-Za-z0-9]{1,64})<\/Code>/g) ?? `status ${reply.status}`
  const reason = `STS refused: ${code}`
  // Throttling is 400 here, and may say when to come again.
  if (!forGood.has(code)) return new Failure('provider_unavailable', { reason, retryAfter: reply.retryAfter })
  const refused = new Failure('target_refused', { reason })
  return ofClocks.has(code) ? orClock(refused, reply, now) : refused
}

/** Four elements, each exactly once and nothing but what it may be: this is all of XML that we believe. */
function keysIn(text: string): StsKeys | undefined {
  const accessKeyId = only(text, /<AccessKeyId>([A-Z0-9]{16,128})<\/AccessKeyId>/g)
  const secretAccessKey = only(text, /<SecretAccessKey>([A-Za-z0-9+/=]{16,256})<\/SecretAccessKey>/g)
  const sessionToken = only(text, /<SessionToken>\s*([A-Za-z0-9+/=]{16,8192})\s*<\/SessionToken>/g)
  const expiration = Date.parse(only(text, /<Expiration>([0-9TZ:.-]{20,30})<\/Expiration>/g) ?? '')
  if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined)
    return undefined
  if (!Number.isFinite(expiration)) return undefined
  return { accessKeyId, secretAccessKey, sessionToken, expiration: Math.floor(expiration / 1000) }
}

function only(text: string, element: RegExp): string | undefined {
  const found = [...text.matchAll(element)]
  return found.length === 1 ? found[0]?.[1] : undefined
}
