import { Failure } from '../../../base/failure.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Answer } from './api.ts'

/** Whoever goes on asking while GitHub says to wait may be banned; nobody's limit is another's. */
export interface Pauses {
  /** Throws `provider_unavailable` with Retry-After while GitHub wants no further question of `who`. */
  check(who: string): void
  /** Remembers what an answer says about the next question. */
  note(who: string, answer: Answer): void
}

/** GitHub's own limits are over within an hour. */
const longest = 3600
/** What GitHub asks for where it says nothing more exact. */
const usual = 60
const most = 10_000

export function openPauses(tools: Pick<Tools, 'now'>): Pauses {
  const until = new Map<string, number>()
  return {
    check(who) {
      const seconds = Math.ceil(((until.get(who) ?? 0) - tools.now()) / 1000)
      if (seconds > 0) throw limited(seconds)
    },
    note(who, answer) {
      const seconds = pauseOf(answer, tools.now() / 1000)
      if (seconds === undefined) return
      if (until.size >= most) for (const [other, end] of until) if (end <= tools.now()) until.delete(other)
      if (until.size >= most) until.clear()
      until.set(who, tools.now() + seconds * 1000)
    },
  }
}

/** Whether GitHub refused because of a rate limit, the primary or the secondary one. */
export function isLimited(answer: Answer): boolean {
  if (answer.status === 429) return true
  if (answer.status !== 403) return false
  const { headers } = answer
  if (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0') return true
  return /rate limit/i.test(messageOf(answer))
}

/** The failure for an answer of which `isLimited` says yes. */
export function limitOf(answer: Answer, now: number): Failure {
  return limited(pauseOf(answer, now) ?? usual)
}

/** What GitHub says in words; empty when it says nothing. */
export function messageOf({ json }: Answer): string {
  const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : ''
  return typeof message === 'string' ? message : ''
}

/** Seconds that GitHub wants to be left alone, from an answer of any kind; `undefined` = none. */
function pauseOf(answer: Answer, now: number): number | undefined {
  const { headers } = answer
  const refused = isLimited(answer)
  const wait = numberOf(headers['retry-after'])
  if (refused && wait !== undefined) return within(wait)
  if (headers['x-ratelimit-remaining'] === '0') {
    const reset = numberOf(headers['x-ratelimit-reset'])
    // By its own clock, which it tells beside.
    const date = Date.parse(String(headers['date'])) / 1000
    if (reset !== undefined) return within(reset - (Number.isNaN(date) ? now : date))
  }
  return refused ? usual : undefined
}

function within(seconds: number): number {
  return Math.min(longest, Math.max(1, Math.ceil(seconds)))
}

function numberOf(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^[0-9]{1,11}$/.test(header) ? Number(header) : undefined
}

function limited(seconds: number): Failure {
  return new Failure('provider_unavailable', {
    reason: `GitHub's rate limit is reached; it is over in ${seconds} s`,
    retryAfter: seconds,
  })
}
