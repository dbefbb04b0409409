/** nearest: what somebody probably meant. Only for hints; nothing is ever corrected silently. */

/** Edits between two texts (insert, delete, replace, swap of neighbours), by dynamic programming. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const replaced = (last[column - 1] ?? 0) + (same ? 0 : 1)
      let best = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1)
      }
      current.push(best)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

/** Letters compared with letters, for one hint. */
const MOST_COMPARED = 100_000

/** The known names within two edits, nearest first. Long texts are not compared. */
export function nearest(text: string, known: Iterable<string>): readonly string[] {
  if (text.length > 100) return []
  const folded = text.toLowerCase()
  return (
    [...known]
      .filter((name) => Math.abs(name.length - text.length) <= 2 && name.length <= 102)
      // A hint is worth no more than a blink, however many names there are.
      .slice(0, Math.ceil(MOST_COMPARED / (text.length + 1) ** 2))
      .map((name) => ({ name, distance: editDistance(folded, name.toLowerCase()) }))
      .filter(({ name, distance }) => distance <= Math.min(2, Math.max(1, name.length - 2)))
      .toSorted((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
      .slice(0, 3)
      .map(({ name }) => name)
  )
}

/** `did you mean a or b?`, or nothing. */
export function didYouMean(text: string, known: Iterable<string>): string | undefined {
  const found = nearest(text, known).map((name) => `\`${name}\``)
  return found.length === 0 ? undefined : `did you mean ${found.join(' or ')}?`
}
