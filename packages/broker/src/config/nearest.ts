/** The word that was probably meant, or `undefined` when none is close: one slip, or two in a longer word. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const most = word.length <= 4 ? 1 : 2
  const ranked = words
    .map((each) => ({ each, distance: distance(word.toLowerCase(), each.toLowerCase()) }))
    .filter((found) => found.distance <= most)
    .sort((one, other) => one.distance - other.distance)
  return ranked[0]?.each
}

/** Edits between two words: insert, delete, replace, swap neighbours (optimal string alignment). */
export function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 3 || one.length > 64) return Number.POSITIVE_INFINITY
  let older: number[] = []
  let old = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const next = [row]
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1]
      const choices = [
        (old[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (old[column - 1] ?? 0) + (same ? 0 : 1),
      ]
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      if (row > 1 && column > 1 && swapped) choices.push((older[column - 2] ?? 0) + 1)
      next.push(Math.min(...choices))
    }
    older = old
    old = next
  }
  return old[other.length] ?? 0
}
