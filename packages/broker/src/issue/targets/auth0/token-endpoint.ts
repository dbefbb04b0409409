import { Failure } from '../../../base/failure.ts'
import { withoutTokens } from '../../../base/scrub.ts'
import { pauseOf } from '../../ask.ts'
import { pauseAfter } from './limits.ts'

export interface Asking {
  readonly url: string
  readonly form: Readonly<Record<string, string>>
  /** Milliseconds for the whole answer. */
  readonly milliseconds: number
  readonly signal: AbortSignal
  /** Seconds since 1970. */
  readonly now: number
}

/** A token of some kilobytes, and what stands around it. */
const mostBytes = 65_536

/**
 * Asks Auth0's token endpoint once. Throws `target_refused` where it refuses for good, `provider_unavailable` where it
 * may answer otherwise later: what was made by then nobody has read.
 */
export async function askForToken(asking: Asking): Promise<unknown> {
  const { response, text } = await post(asking)
  const json = jsonOf(text)
  if (response.status === 200) {
    if (json === undefined) throw unavailable('Auth0 gives an answer that is none')
    return json
  }
  throw refusal(response, json, asking.now)
}

async function post({ url, form, milliseconds, signal }: Asking) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        'user-agent': 'mayfly',
      },
      body: new URLSearchParams(form).toString(),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]),
    })
    return { response, text: await limited(response) }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw new Failure('provider_unavailable', { reason: 'Auth0 does not answer', cause })
  }
}

async function limited(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).length
    if (bytes > mostBytes) throw unavailable('Auth0 gives an answer that is too long')
    text += decoder.decode(chunk as Uint8Array, { stream: true })
  }
  return text
}

function refusal({ status, headers }: Response, json: unknown, now: number): Failure {
  const reason = `Auth0 answers ${status}${said(json)}`
  if (status === 429) {
    const retryAfter = pauseAfter(headers, now)
    return new Failure('provider_unavailable', {
      reason: `${reason}; it wants no more of us for ${retryAfter} s`,
      retryAfter,
    })
  }
  if (status < 400 || status >= 500 || status === 408)
    return unavailable(reason, pauseOf(headers.get('retry-after')))
  const skew = Math.abs(Date.parse(headers.get('date') ?? '') / 1000 - now)
  // An assertion that is too old or too new for Auth0's clock reads like a wrong key.
  if (status === 401 && skew > 30)
    return unavailable(`${reason}; its clock and ours differ by ${Math.round(skew)} s`)
  return new Failure('target_refused', { reason })
}

/** RFC 6749 5.2; only what cannot be a part of what we sent. */
function said(json: unknown): string {
  if (typeof json !== 'object' || json === null) return ''
  const { error, error_description: description } = json as Readonly<Record<string, unknown>>
  return [error, description]
    .filter((each) => typeof each === 'string')
    .map((each) => `: ${withoutTokens(each.replaceAll(/[^\x20-\x7e]/g, '?')).slice(0, 200)}`)
    .join('')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unavailable(reason: string, retryAfter?: number): Failure {
  return new Failure('provider_unavailable', { reason, retryAfter })
}
