import { Failure } from '../base/failure.ts'
import type { Step } from './steps.ts'
import { Conflict, type ConflictKind } from './store.ts'

/** What became of one commit of a group that is durable: made, or refused for this conflict. */
export type Outcome = ConflictKind | 'exists' | undefined

/** Writes the commits of one group in one durable transaction; rejects when the outcome of all is not certain. */
export type WriteGroup = (group: readonly (readonly Step[])[]) => Promise<readonly Outcome[]>

interface Waiting {
  readonly steps: readonly Step[]
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Commits in one group at most, and commits that may wait: beyond it callers are told to come again. */
const limits = { group: 1024, waiting: 10_000 } as const

/**
 * Group commit: what arrives while one group is being written becomes the next group, so that many commits share
 * one flush to disk and none is told "done" before its own.
 */
export class GroupCommit {
  readonly #write: WriteGroup
  #waiting: Waiting[] = []
  #running = false
  #closed: Failure | undefined
  #idle: (() => void)[] = []

  constructor(write: WriteGroup) {
    this.#write = write
  }

  /** Resolves when the steps are durable; rejects with `Conflict`, or with a `Failure` when they may not be. */
  commit(steps: readonly Step[]): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (steps.length === 0) return Promise.resolve()
    if (this.#waiting.length >= limits.waiting) {
      return Promise.reject(unavailable('too many commits wait for the disk'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ steps, resolve, reject })
      if (this.#running) return
      this.#running = true
      // One turn of the event loop, so that requests which arrived together share the first group too.
      setImmediate(() => void this.#run())
    })
  }

  /** Refuses new commits from now on; the answer comes when all accepted ones are settled. */
  async drain(): Promise<void> {
    this.#closed ??= unavailable('the store is closed')
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, limits.group)
      try {
        const outcomes = await this.#write(group.map((each) => each.steps))
        for (const [i, each] of group.entries()) settle(each, outcomes[i])
      } catch (cause) {
        const failure = cause instanceof Failure ? cause : unavailable('the store could not write', cause)
        for (const each of group) each.reject(failure)
      }
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function settle(each: Waiting, outcome: Outcome): void {
  if (outcome === undefined) each.resolve()
  else if (outcome === 'exists')
    each.reject(new Failure('internal', { reason: 'the id of a lease is taken' }))
  else each.reject(new Conflict(outcome))
}

/** The store's one way to say "not now". */
export function unavailable(reason: string, cause?: unknown): Failure {
  return new Failure('provider_unavailable', { reason, ...(cause === undefined ? {} : { cause }) })
}
