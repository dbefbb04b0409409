import { Failure } from '../../../base/failure.ts'

/** What STS gives. */
export interface StsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** Seconds since 1970. */
  readonly expiration: number
}

const answerMs = 10_000
const mostBytes = 65_536

/**
 * Asks STS once. Throws `target_refused` with AWS's code where AWS refuses for good, `provider_unavailable` where it
 * may answer otherwise later. What AWS writes beside the code may repeat the token: it goes no further.
 */
export async function askSts(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<StsKeys> {
  const { status, text } = await post(url, headers, body)
  if (status !== 200) throw refusal(status, text)
  const keys = keysIn(text)
  if (keys === undefined) throw unavailable('STS gave an answer that is none')
  return keys
}

async function post(url: URL, headers: Readonly<Record<string, string>>, body: string) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(answerMs),
    })
    return { status: response.status, text: await limited(response) }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw new Failure('provider_unavailable', { reason: 'STS does not answer', cause })
  }
}

async function limited(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > mostBytes) throw unavailable('STS gave an answer that is too long')
  }
  return text
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

function refusal(status: number, text: string): Failure {
  const code = only(text, /<Code>([A-Za-z0-9]{1,64})<\/Code>/g) ?? `status ${status}`
  const reason = `STS refused: ${code}`
  return new Failure(forGood.has(code) ? 'target_refused' : 'provider_unavailable', { reason })
}

function unavailable(reason: string): Failure {
  return new Failure('provider_unavailable', { reason })
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
