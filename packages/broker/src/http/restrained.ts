import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { Doors } from './doors.ts'
import { within } from './within.ts'

/** What anybody may ask and what costs something is shared for so long. */
const sharedMs = 1000
/** Longer than a healthy store ever takes, shorter than a probe waits. */
const patienceMs = 2000
/** Proofs read many nodes of the tree. */
const proofsAtOnce = 4

/** The same doors, where asking often costs no more than asking once. */
export function restrained(doors: Doors): Doors {
  const { audit, tools } = doors
  const proving = { now: 0 }
  return {
    ...doors,
    ready: shared(doors.ready, tools),
    metricsText: shared(doors.metricsText, tools),
    audit: {
      ...audit,
      inclusion: (index, size) => few(proving, () => audit.inclusion(index, size)),
      consistency: (first, second) => few(proving, () => audit.consistency(first, second)),
    },
  }
}

/**
 * One flight at a time, and its answer for whoever asks soon after. A failure is never kept, and no answer in time is
 * one: work that never ends must not keep those who ask later from asking again.
 */
function shared<T>(work: () => Promise<T>, tools: Pick<Tools, 'now' | 'after'>): () => Promise<T> {
  const { now } = tools
  let flight: Promise<T> | undefined
  let landedAt: number | undefined
  return () => {
    const age = landedAt === undefined ? 0 : now() - landedAt
    if (flight !== undefined && age >= 0 && age < sharedMs) return flight
    landedAt = undefined
    const begun = within(patienceMs, work(), tools)
    flight = begun
    begun.then(
      () => {
        landedAt = now()
      },
      () => {
        if (flight === begun) flight = undefined
      },
    )
    return begun
  }
}

async function few<T>(count: { now: number }, work: () => Promise<T>): Promise<T> {
  if (count.now >= proofsAtOnce) {
    throw new Failure('provider_unavailable', { reason: 'too many proofs at once' })
  }
  count.now += 1
  try {
    return await work()
  } finally {
    count.now -= 1
  }
}
