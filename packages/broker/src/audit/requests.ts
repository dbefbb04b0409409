/**
 * requests: entries of what routes carried. Those that the policy requires are durable before anything is forwarded;
 * the others are gathered behind the answers and written many at a time. What waits is bounded in number and bytes, and
 * so is what is written in a second. What is lost is counted, told, and has an entry as soon as one can be written.
 */
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import type { Change } from '../store/store.ts'
import { type Allowance, SharedBucket } from './allowance.ts'
import type { Recorder } from './recorder.ts'

/** An event of a route about what it carried. */
export type RequestEvent = Extract<AuditEvent, { readonly type: 'route.request' | 'route.answered' }>

/** A lease that asks this often for a day writes some 25 GB; all of them together 100. */
const usual = {
  all: { burst: 20_000, perSecond: 2_000 },
  each: { burst: 5_000, perSecond: 500 },
} as const

/** What may wait for the disk. */
const waitingLimits = { entries: 10_000, bytes: 8_388_608 } as const
/** Entries of one commit. */
const batch = 512
/** `oldestMs`: who searches the log by time counts on entries that are not much later than it. */
const times = { everyMs: 200, retryMs: 1_000, tellEveryMs: 60_000, oldestMs: 240_000 } as const

export interface RequestsParts {
  /** Resolves when the changes are durable. */
  readonly commit: (changes: readonly Change[]) => Promise<void>
  readonly record: Recorder
  readonly tools: Pick<Tools, 'now' | 'after' | 'log'>
  /** Counts one that has no entry. */
  readonly lost?: (target: string) => void
  /** `each`: of one lease. */
  readonly allowances?: { readonly all: Allowance; readonly each: Allowance }
  readonly waiting?: { readonly entries: number; readonly bytes: number }
}

export interface Requests {
  /** The entry's id once it is durable. Throws `rate_limited` beyond the allowance, and what the store throws. */
  durable(event: RequestEvent): Promise<string>
  /** Writes it when there is time; never throws. */
  behind(event: RequestEvent): void
  /** Writes what waits, and stops. What cannot be written now is lost. */
  close(): Promise<void>
}

/** Opens it; nothing runs while nothing waits. */
export function openRequests(parts: RequestsParts): Requests {
  const allowances = parts.allowances ?? usual
  const buckets = new SharedBucket(allowances.all, allowances.each)
  const behind = new Behind(parts)
  const mayWrite = ({ lease }: RequestEvent) => buckets.take(lease, parts.tools.now())
  return {
    async durable(event) {
      if (!mayWrite(event)) throw new Failure('rate_limited', { reason: 'too many requests to be recorded' })
      const { id, change } = parts.record(event)
      await parts.commit([change])
      return id
    },
    behind(event) {
      // The answer to what has an entry costs no allowance: the request did.
      if (event.type === 'route.request' && !mayWrite(event)) behind.lose(event.target)
      else behind.add(event)
    },
    close: () => behind.close(),
  }
}

interface Waiting {
  readonly target: string
  readonly change: Change
  readonly size: number
  readonly at: number
}

class Behind {
  readonly #parts: RequestsParts
  readonly #losses: Losses
  #waiting: Waiting[] = []
  #bytes = 0
  #writing: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #failing = false
  #closed = false

  constructor(parts: RequestsParts) {
    this.#parts = parts
    this.#losses = new Losses(parts)
  }

  add(event: RequestEvent): void {
    const limits = this.#parts.waiting ?? waitingLimits
    if (this.#closed || this.#waiting.length >= limits.entries || this.#bytes >= limits.bytes) {
      this.lose(event.target)
      return
    }
    const { change } = this.#parts.record(event)
    const size = change.kind === 'append' ? change.entry.byteLength : 0
    this.#waiting.push({ target: event.target, change, size, at: this.#parts.tools.now() })
    this.#bytes += size
    this.#plan()
  }

  lose(target: string): void {
    this.#losses.add(target)
    this.#plan()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#writing
    this.#failing = false
    await this.#write()
    for (const { target } of this.#waiting.splice(0)) this.#losses.add(target)
    this.#losses.tell()
  }

  #plan(): void {
    if (this.#closed || this.#cancel !== undefined || this.#writing !== undefined) return
    if (this.#waiting.length === 0 && !this.#losses.pending) return
    const { everyMs, retryMs } = times
    this.#cancel = this.#parts.tools.after(this.#failing ? retryMs : everyMs, () => {
      this.#cancel = undefined
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined
        this.#plan()
      })
    })
  }

  /** All that waits, a batch at a time, until one cannot be written; that one goes on waiting. */
  async #write(): Promise<void> {
    const { commit, tools } = this.#parts
    while (this.#waiting.length > 0 || this.#losses.isDue(this.#closed)) {
      this.#forgetOld()
      const taken = this.#waiting.slice(0, batch)
      const summed = this.#losses.take(this.#closed)
      try {
        await commit([...taken.map(({ change }) => change), ...summed.changes])
      } catch (cause) {
        summed.putBack()
        if (!this.#failing) tools.log.error('requests could not be recorded; they wait', { cause })
        this.#failing = true
        return
      }
      this.#failing = false
      this.#take(taken.length)
    }
  }

  #forgetOld(): void {
    const since = this.#parts.tools.now() - times.oldestMs
    const first = this.#waiting.findIndex(({ at }) => at >= since)
    const old = this.#take(first === -1 ? this.#waiting.length : first)
    for (const { target } of old) this.#losses.add(target)
  }

  #take(count: number): readonly Waiting[] {
    const taken = this.#waiting.splice(0, count)
    for (const { size } of taken) this.#bytes -= size
    return taken
  }
}

/** What has no entry, by target: told to the operator at once and then once a minute, and to the log. */
class Losses {
  readonly #parts: RequestsParts
  #counts = new Map<string, number>()
  #since = 0
  #untold = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #takenAt = Number.NEGATIVE_INFINITY

  constructor(parts: RequestsParts) {
    this.#parts = parts
  }

  get pending(): boolean {
    return this.#counts.size > 0
  }

  add(target: string): void {
    const { tools, lost } = this.#parts
    const now = tools.now()
    if (!this.pending) this.#since = now
    this.#counts.set(target, (this.#counts.get(target) ?? 0) + 1)
    this.#untold++
    lost?.(target)
    if (now - this.#toldAt < times.tellEveryMs) return
    this.#toldAt = now
    this.tell()
  }

  tell(): void {
    if (this.#untold > 0) this.#parts.tools.log.warn('requests have no entry', { count: this.#untold })
    this.#untold = 0
  }

  /** There is something to write: an entry a minute at most, and the last one when it is over. */
  isDue(isLast: boolean): boolean {
    const { tools } = this.#parts
    return this.pending && (isLast || tools.now() - this.#takenAt >= times.tellEveryMs)
  }

  /** The entry for what was lost by now; nothing to append where none is due. */
  take(isLast: boolean): { readonly changes: readonly Change[]; readonly putBack: () => void } {
    if (!this.isDue(isLast)) return { changes: [], putBack: () => {} }
    const [begun, taken, before] = [this.#since, this.#counts, this.#takenAt]
    this.#counts = new Map()
    this.#takenAt = this.#parts.tools.now()
    const { tools, record } = this.#parts
    const summed = { from: seconds(begun), until: seconds(tools.now()), counts: Object.fromEntries(taken) }
    const { change } = record({ type: 'requests.lost', ...summed })
    const putBack = () => {
      for (const [target, count] of taken) this.#counts.set(target, (this.#counts.get(target) ?? 0) + count)
      this.#since = begun
      this.#takenAt = before
    }
    return { changes: [change], putBack }
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
