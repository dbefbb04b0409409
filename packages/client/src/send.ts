import { brokerRetry, jittered, type Retry, retryAfterMs } from './retry.ts'
import { fetchTransport, type Transport, type TransportRequest } from './transport.ts'
import { MayflyUnreachable, networkErrorCode } from './unreachable.ts'

/** How to reach the other side; every part has a default. */
export interface Sending {
  readonly transport?: Transport
  readonly signal?: AbortSignal
  readonly retry?: Retry
}

/** One request without the parts that `send` adds. */
export type Message = Pick<TransportRequest, 'method' | 'headers' | 'body'>

/** A whole answer, whatever its status. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** Seconds since 1970 by the other side's clock (RFC 9110 6.6.1), where it says. */
  readonly at?: number
}

type Outcome =
  | { readonly answer: Answer; readonly retryAfterMs: number | undefined }
  | { readonly code: string }

/**
 * Sends, and tries again after a network error, a 429 or a 5xx. `compose` runs before every try: a subject token
 * is spent by the first request that arrives, even when its answer is lost on the way back.
 * Answers with the last answer; throws `MayflyUnreachable` when the last try had none, and the signal's reason.
 */
export async function send(url: URL, compose: () => Promise<Message>, sending: Sending): Promise<Answer> {
  const retry = sending.retry ?? brokerRetry
  for (let tries = 1; ; tries++) {
    const outcome = await once(url, await compose(), sending, retry.tryMs)
    sending.signal?.throwIfAborted()
    if ('answer' in outcome && !isPassing(outcome.answer.status)) return outcome.answer

    const scheduled = retry.waitsMs[tries - 1]
    const asked = 'answer' in outcome ? outcome.retryAfterMs : undefined
    const waitMs = scheduled === undefined ? undefined : (asked ?? jittered(scheduled, retry.random))
    if (waitMs === undefined || waitMs > retry.longestWaitMs) {
      if ('answer' in outcome) return outcome.answer
      throw new MayflyUnreachable(url.origin, outcome.code, tries)
    }
    await retry.wait(waitMs, sending.signal)
  }
}

async function once(url: URL, message: Message, sending: Sending, tryMs: number): Promise<Outcome> {
  const timeout = AbortSignal.timeout(tryMs)
  const signal = sending.signal === undefined ? timeout : AbortSignal.any([sending.signal, timeout])
  try {
    const transport = sending.transport ?? fetchTransport
    const answer = await transport(url.href, { ...message, signal, redirect: 'manual' })
    return {
      answer: { status: answer.status, text: await answer.text(), ...clockOf(answer.headers.get('date')) },
      retryAfterMs: retryAfterMs(answer.headers.get('retry-after')),
    }
  } catch (error) {
    return { code: timeout.aborted ? 'timeout' : networkErrorCode(error) }
  }
}

function clockOf(date: string | null): { readonly at?: number } {
  const at = Date.parse(date ?? '') / 1000
  return Number.isNaN(at) ? {} : { at }
}

/** Statuses that may be gone a moment later. */
function isPassing(status: number): boolean {
  return status === 429 || (status >= 500 && status <= 599)
}

/** A form body, RFC 6749 appendix B; members that are `undefined` are left out. */
export function formMessage(members: Readonly<Record<string, string | undefined>>): Message {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(members)) if (value !== undefined) form.set(name, value)
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: form.toString(),
  }
}
