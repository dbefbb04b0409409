/** Rows with a head, in columns; what is not printable never reaches the terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows.map((row) => row.map(printable))]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
  return `${all.map(line).join('\n')}\n`
}

/** Seconds since 1970 as ISO 8601, or a dash. */
export function time(seconds: number | undefined): string {
  return seconds === undefined ? '-' : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

/** One line without what a terminal would obey: claims, files and other servers' answers hold any character. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) => (letter === '\t' ? ' ' : '\u{fffd}'))
}

/** One JSON document on a line: it says the same, and holds nothing that a terminal would obey. */
export function json(value: unknown): string {
  const text = JSON.stringify(value).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) =>
    letter
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
  return `${text}\n`
}

interface FailingGrant {
  readonly grant: string
  readonly failing: readonly {
    readonly claim: string
    readonly got: string | null
    readonly needed: string
    readonly hint?: string
  }[]
}

/** One line for each condition that a token did not meet. */
export function conditionLines(grants: readonly FailingGrant[]): readonly string[] {
  return grants.flatMap(({ grant, failing }) =>
    failing.map(({ claim, got, needed, hint }) =>
      printable(
        `  ${grant}: ${claim} is ${got ?? 'missing'}, needs ${needed}${hint === undefined ? '' : `. ${hint}`}`,
      ),
    ),
  )
}
