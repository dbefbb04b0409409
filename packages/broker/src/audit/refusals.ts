/**
 * refusals: asking costs the asker nothing, so refusing must not fill the log. The first refusals of each class have an
 * entry of their own; what is beyond is counted, and the counts become one entry. Whoever has no good token shares one
 * small allowance; a verified job that is refused has another, so that strangers cannot hide it.
 */
import { newId } from '../base/id.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import { type Allowance, Bucket, SharedBucket } from './allowance.ts'

/** A year of the steady rate of strangers is 16 million short entries, a few gigabytes. */
const usual = {
  strangers: { burst: 300, perSecond: 0.5 },
  verified: { burst: 3_000, perSecond: 20 },
  each: { burst: 30, perSecond: 0.2 },
} as const

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
  const strangers = new Bucket(allowances.strangers)
  const verified = new SharedBucket(allowances.verified, allowances.each)
  const mayWrite = (event: AuditEvent): boolean => {
    const now = tools.now()
    const subject = subjectOf(event)
    return subject === undefined ? strangers.take(now) : verified.take(subject, now)
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
