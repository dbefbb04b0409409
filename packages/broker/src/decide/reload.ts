/**
 * The policy in force while the broker runs, and how another takes its place: seen whole, checked, written down,
 * then swapped in one step. Whatever goes wrong, the last good one stays.
 */
import type { Problem } from '@mayfly/policy/problem'
import type { Tools } from '../base/tools.ts'
import type { Verdict } from './check-worker.ts'
import { openChecked, type PolicyInForce, type PolicySources, sourcesDigest } from './policies.ts'
import type { PolicyChange } from './policy-change.ts'

/** A policy that was found in the folder and is not run. */
export interface RefusedPolicy {
  /** Absent when the folder could not even be read. */
  readonly digest?: string
  readonly problems: readonly Problem[]
  /** Every fault in words, with its place. */
  readonly detail: string
}

export interface ChangedPolicy {
  readonly next: PolicyInForce
  readonly previous: string
  readonly change: PolicyChange | undefined
}

export interface ReloadParts {
  readonly sources: PolicySources
  readonly inForce: PolicyInForce
  readonly read: () => Promise<PolicySources>
  /** Rejects when there is no answer, and once `signal` says that nobody waits for one. */
  readonly check: (next: PolicySources, before: PolicySources, signal: AbortSignal) => Promise<Verdict>
  /** What does not fit the configuration, in words. */
  readonly misfits: (next: PolicyInForce) => readonly string[]
  /** Writes it down and puts it into force. When it rejects, nothing has changed and it is tried again. */
  readonly changed: (changed: ChangedPolicy) => Promise<void>
  readonly refused: (refused: RefusedPolicy) => Promise<void>
  /** What is in the folder is what is in force, again or still. */
  readonly settled: () => void
  readonly tools: Pick<Tools, 'after' | 'log'>
  /** How often the folder is read. */
  readonly everyMs: number
  /** Its files must be the same for so long: whoever writes two of them is given the time. */
  readonly settleMs: number
}

export interface Reload {
  /** Reads the folder now. Resolves when what was found is in force or refused. */
  look(): Promise<void>
  /** Nothing changes any more once it resolves. */
  close(): Promise<void>
}

/** What one look finds: sources and their digest, or why there are none. */
type Found =
  | { readonly sources: PolicySources; readonly digest: string }
  | { readonly digest: undefined; readonly reason: string }

/** Rounds of one look in which the files still change; the next look goes on. */
const mostRounds = 10

export function openReload(parts: ReloadParts): Reload {
  return new FolderReload(parts)
}

class FolderReload implements Reload {
  readonly #parts: ReloadParts
  #sources: PolicySources
  #digest: string
  /** What was refused and written down: it is not said twice. */
  #refused: { readonly digest: string | undefined } | undefined
  #looking: Promise<void> = Promise.resolve()
  readonly #closing = new AbortController()
  #cancel: () => void = () => {}
  #wake: () => void = () => {}

  constructor(parts: ReloadParts) {
    this.#parts = parts
    this.#sources = parts.sources
    this.#digest = parts.inForce.digest
    this.#plan()
  }

  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#turn(true))
    return this.#looking
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#cancel()
    this.#wake()
    await this.#looking
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  #plan(): void {
    if (this.#closed) return
    this.#cancel = this.#parts.tools.after(this.#parts.everyMs, () => {
      this.#looking = this.#looking.then(() => this.#turn(false))
      void this.#looking.then(() => this.#plan())
    })
  }

  /** Never rejects: the policy in force serves on, and the next look tries again. */
  async #turn(asked: boolean): Promise<void> {
    if (this.#closed) return
    try {
      const found = await this.#find(asked)
      if (found === undefined || this.#closed) return
      await this.#judge(found)
    } catch (cause) {
      this.#parts.tools.log.error('a changed policy could not be taken; the last one stays', { cause })
    }
  }

  /** What is new in the folder and has stayed the same for a while; `undefined` when there is nothing new. */
  async #find(asked: boolean): Promise<Found | undefined> {
    let seen = await this.#read()
    for (let round = 0; round < mostRounds; round++) {
      if (seen.digest === this.#digest) {
        this.#refused = undefined
        this.#parts.settled()
        return undefined
      }
      if (!asked && this.#refused !== undefined && this.#refused.digest === seen.digest) return undefined
      await this.#wait(this.#parts.settleMs)
      if (this.#closed) return undefined
      const again = await this.#read()
      if (again.digest === seen.digest) return again
      seen = again
    }
    return undefined
  }

  async #read(): Promise<Found> {
    try {
      const sources = await this.#parts.read()
      return { sources, digest: sourcesDigest(sources) }
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
      return { digest: undefined, reason: `the folder of the policy cannot be read (${code})` }
    }
  }

  async #judge(found: Found): Promise<void> {
    if (found.digest === undefined) {
      await this.#refuse({ problems: [], detail: found.reason })
      return
    }
    const { sources, digest } = found
    const verdict = await this.#check(sources)
    if (this.#closed) return
    if (!verdict.ok) {
      await this.#refuse({ digest, problems: verdict.problems, detail: verdict.detail })
      return
    }
    const next = openChecked(sources, verdict.warnings)
    const misfits = this.#parts.misfits(next)
    if (misfits.length > 0) {
      await this.#refuse({ digest, problems: [], detail: misfits.join('\n') })
      return
    }
    await this.#parts.changed({ next, previous: this.#digest, change: verdict.change })
    this.#sources = sources
    this.#digest = digest
    this.#refused = undefined
  }

  /** A policy that cannot be checked is one that was not proved. */
  async #check(sources: PolicySources): Promise<Verdict> {
    try {
      return await this.#parts.check(sources, this.#sources, this.#closing.signal)
    } catch (thrown) {
      if (!this.#closed)
        this.#parts.tools.log.error('a changed policy could not be checked', { cause: thrown })
      const detail = thrown instanceof Error ? thrown.message : 'the policy could not be checked'
      return { ok: false, problems: [], detail }
    }
  }

  async #refuse(refused: RefusedPolicy): Promise<void> {
    await this.#parts.refused(refused)
    this.#refused = { digest: refused.digest }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.tools.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
