import type { TestContext } from 'node:test'

/** Random numbers below `most` that a printed seed repeats (mulberry32). */
export function randomFrom(t: TestContext): (most: number) => number {
  const seed = Number(process.env['MAYFLY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`MAYFLY_SEED=${seed}`)
  let state = seed
  return (most) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * most)
  }
}

/** The same items in an order that the seed decides. */
export function shuffled<T>(items: readonly T[], random: (most: number) => number): T[] {
  return items
    .map((item) => ({ item, at: random(2 ** 30) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item)
}
