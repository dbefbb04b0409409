/**
 * refusals: asking costs the asker nothing, so refusing must not fill the log. The first refusals of each class have an
 * entry of their own; what is beyond is counted, and the counts become one entry. Whoever has no good token shares one
 * small allowance; a verified job that is refused has another, so that strangers cannot hide it.
 */
import { newId } from '../base/id.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'

/** Entries at once, and entries a second from then on, for each class of refusal. */
export interface Allowance {
  readonly burst: number
  readonly perSecond: number
}

/** A year of the steady rate of strangers is 16 million short entries, a few gigabytes. */
const usual = {
  strangers: { burst: 300, perSecond: 0.5 },
  verified: { burst: 3_000, perSecond: 20 },
  each: { burst: 30, perSecond: 0.2 },
} as const

/** Subjects whose allowance is remembered. */
const MOST_SUBJECTS = 4096

export interface RefusalParts {
  /** Writes an entry durably; answers with its id. */
  readonly write: (event: AuditEvent) => Promise<string>
  readonly tools: Pick<Tools, 'now' | 'after' | 'randomBytes' | 'log'>
  /** `each`: of one verified subject, or one lease. */
  readonly allowances?: {
    readonly strangers: Allowance
    readonly verified: Allowance
    readonly each: Allowance
  }
  /** How often counts are written, ms; a minute when absent. */
  readonly everyMs?: number
  /** Counts what has no entry of its own. */
  readonly observe?: () => void
}

export interface Refusals {
  /** Answers with the entry's id; of one that was only counted, with an id that no entry has. */
  record(event: AuditEvent): Promise<string>
  /** Writes what is counted, and stops. */
  close(): Promise<void>
}

export function openRefusals(parts: RefusalParts): Refusals {
  const { write, tools } = parts
  const allowances = parts.allowances ?? usual
  const buckets = { strangers: new Bucket(allowances.strangers), verified: new Bucket(allowances.verified) }
  const subjects = new Map<string, Bucket>()
  const mayWrite = (event: AuditEvent): boolean => {
    const now = tools.now()
    const subject = subjectOf(event)
    if (subject === undefined) return buckets.strangers.take(now)
    const own = subjects.get(subject) ?? new Bucket(allowances.each)
    // The newest last; the oldest goes when there are too many, with a full allowance when it comes again.
    subjects.delete(subject)
    subjects.set(subject, own)
    for (const oldest of subjects.keys()) if (subjects.size > MOST_SUBJECTS) subjects.delete(oldest)
    return own.take(now) && buckets.verified.take(now)
  }
  let counts = new Map<string, number>()
  let since = tools.now()
  const flush = async (): Promise<void> => {
    if (counts.size === 0) return
    const summed = { from: seconds(since), until: seconds(tools.now()), counts: Object.fromEntries(counts) }
    const [begun, taken] = [since, counts]
    counts = new Map()
    try {
      await write({ type: 'refusals.summed', ...summed })
    } catch (thrown) {
      // Not in the log, so still to be written: with the next sum, under the earlier beginning.
      for (const [what, count] of taken) counts.set(what, (counts.get(what) ?? 0) + count)
      since = begun
      throw thrown
    }
  }
  let cancel = () => {}
  let flushing: Promise<void> = Promise.resolve()
  const plan = (): void => {
    cancel = tools.after(parts.everyMs ?? 60_000, () => {
      flushing = flush()
        .catch((cause: unknown) => tools.log.error('counted refusals could not be recorded', { cause }))
        .then(plan)
    })
  }
  plan()
  return {
    async record(event) {
      if (mayWrite(event)) return await write(event)
      if (counts.size === 0) since = tools.now()
      const what = `${event.type} ${'code' in event ? (event.code ?? '') : ''}`.trim()
      counts.set(what, (counts.get(what) ?? 0) + 1)
      parts.observe?.()
      return newId('er', tools)
    },
    async close() {
      cancel()
      await flushing
      cancel()
      await flush()
    },
  }
}

/**
 * Whom a verified token speaks of; `undefined` for strangers. A token that was spent, or whose job has ended, is
 * anybody's who found it.
 */
function subjectOf(event: AuditEvent): string | undefined {
  if (event.type === 'route.refused') return event.lease
  if (event.type !== 'credential.refused' || event.issuer === undefined) return undefined
  return event.code === 'subject_token_invalid' ? undefined : JSON.stringify([event.issuer, event.subject])
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

class Bucket {
  readonly #allowance: Allowance
  #left: number
  #at = Number.NEGATIVE_INFINITY

  constructor(allowance: Allowance) {
    this.#allowance = allowance
    this.#left = allowance.burst
  }

  take(now: number): boolean {
    const { burst, perSecond } = this.#allowance
    const gone = Math.max(0, now - Math.max(this.#at, 0)) / 1000
    this.#left =
      this.#at === Number.NEGATIVE_INFINITY ? burst : Math.min(burst, this.#left + gone * perSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
