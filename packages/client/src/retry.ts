/** When to try again, and the two effects that this needs. Every part can be replaced. */
export interface Retry {
  /** Milliseconds before the second try, the third, ...; its length bounds the tries. */
  readonly waitsMs: readonly number[]
  /** A server that asks (Retry-After) for a longer wait is not waited for. */
  readonly longestWaitMs: number
  /** How long one try may take, until the whole answer is there. */
  readonly tryMs: number
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>
  /** At least 0, below 1. */
  readonly random: () => number
}

/** Four tries within about four seconds: a job waits for us. */
export const brokerRetry: Retry = {
  waitsMs: [500, 1000, 2000],
  longestWaitMs: 30_000,
  tryMs: 10_000,
  wait,
  random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
}

/** Ten tries, as GitHub's own toolkit does for ID tokens. */
export const idTokenRetry: Retry = {
  ...brokerRetry,
  waitsMs: [50, 100, 200, 400, 800, 1600, 3000, 3000, 3000],
}

/** Between half of it and all of it, so that jobs which failed together do not come back together. */
export function jittered(ms: number, random: () => number): number {
  return Math.round(ms * (0.5 + random() / 2))
}

/** Retry-After in milliseconds (RFC 9110 10.2.3). The form with a date needs a clock and counts as absent. */
export function retryAfterMs(value: string | null): number | undefined {
  return value !== null && /^\d{1,6}$/.test(value.trim()) ? Number(value) * 1000 : undefined
}

/** Resolves after `ms`; rejects with the signal's reason when it is aborted before. */
function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }, ms)
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
}
