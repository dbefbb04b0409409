import { Failure } from '../../../base/failure.ts'
import type { Tools } from '../../../base/tools.ts'

/** Whoever goes on asking while a tenant is over its limit only keeps it there, for its users too. */
export interface Pauses {
  /** Throws `provider_unavailable` with Retry-After while the tenant wants no further question. */
  check(tenant: string): void
  /** Remembers what a refusal said. */
  note(tenant: string, thrown: unknown): void
}

/** A quota of a day may be used up; asking again each hour is no burden. */
const longest = 3600
/** What is waited where Auth0 says nothing more exact. */
const usual = 10

export function openPauses(tools: Pick<Tools, 'now'>): Pauses {
  const until = new Map<string, number>()
  return {
    check(tenant) {
      const seconds = Math.ceil(((until.get(tenant) ?? 0) - tools.now()) / 1000)
      if (seconds <= 0) return
      throw new Failure('provider_unavailable', {
        reason: `the limit of the tenant ${tenant} is reached; it is over in ${seconds} s`,
        retryAfter: seconds,
      })
    },
    note(tenant, thrown) {
      if (!(thrown instanceof Failure) || thrown.retryAfter === undefined) return
      until.set(tenant, tools.now() + thrown.retryAfter * 1000)
    },
  }
}

/**
 * Seconds that Auth0 wants to be left alone after a 429: `Retry-After`, the reset of the rate limit (seconds since
 * 1970, by its own clock), and the buckets of the application's quota that are empty. `now` is ours.
 */
export function pauseAfter(headers: Headers, now: number): number {
  const date = Date.parse(headers.get('date') ?? '') / 1000
  const reset = numberOf(headers.get('x-ratelimit-reset'))
  const waits = [
    numberOf(headers.get('retry-after')),
    reset === undefined ? undefined : reset - (Number.isNaN(date) ? now : date),
    ...emptyBuckets(headers.get('auth0-client-quota-limit')),
  ].filter((wait) => wait !== undefined)
  return Math.min(longest, Math.max(1, Math.ceil(waits.length === 0 ? usual : Math.max(...waits))))
}

/** `b=per_hour;q=10;r=0;t=3540,b=per_day;...`: of each bucket that is empty, the seconds to its reset. */
function emptyBuckets(header: string | null): readonly (number | undefined)[] {
  return (header ?? '')
    .slice(0, 1000)
    .split(',')
    .flatMap((bucket) => {
      const members = new Map(bucket.split(';').map((member) => member.trim().split('=') as [string, string]))
      return members.get('r') === '0' ? [numberOf(members.get('t') ?? null)] : []
    })
}

function numberOf(header: string | null): number | undefined {
  return header !== null && /^[0-9]{1,11}$/.test(header) ? Number(header) : undefined
}
