/** Seeded chance (mulberry32): the same seed makes the same policies on every machine. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  yes(share: number): boolean {
    return this.next() < share
  }

  one<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }

  /** So many of the list, in some order, none twice. */
  some<T>(list: readonly T[], least: number, most: number): readonly T[] {
    const left = [...list]
    const count = Math.min(left.length, this.between(least, most))
    return Array.from({ length: count }, () => left.splice(this.below(left.length), 1)).flat()
  }
}
