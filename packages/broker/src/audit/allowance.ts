/** How many entries may be written in a time, of all and of each: whoever asks much must not fill the log. */

/** Entries at once, and entries a second from then on. */
export interface Allowance {
  readonly burst: number
  readonly perSecond: number
}

/** Whose allowance is remembered at most. */
const most = 4096

/** One allowance, used up and filled again in time. */
export class Bucket {
  readonly #allowance: Allowance
  #left: number
  #at = Number.NEGATIVE_INFINITY

  constructor(allowance: Allowance) {
    this.#allowance = allowance
    this.#left = allowance.burst
  }

  /** `now`: milliseconds. */
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

/** An allowance for all, and one for each whose name is known: one of them cannot use up what is there for all. */
export class SharedBucket {
  readonly #all: Bucket
  readonly #each: Allowance
  readonly #own = new Map<string, Bucket>()

  constructor(all: Allowance, each: Allowance) {
    this.#all = new Bucket(all)
    this.#each = each
  }

  take(name: string, now: number): boolean {
    const own = this.#own.get(name) ?? new Bucket(this.#each)
    // The newest last; the oldest goes when there are too many, with a full allowance when it comes again.
    this.#own.delete(name)
    this.#own.set(name, own)
    for (const oldest of this.#own.keys()) if (this.#own.size > most) this.#own.delete(oldest)
    return own.take(now) && this.#all.take(now)
  }
}
