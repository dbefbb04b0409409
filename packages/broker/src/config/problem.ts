/** One fault of a configuration file, where it is and how it is shown. */
export interface Problem {
  /** Path of the file, as it was given. */
  readonly file: string
  /** From 1; absent when the fault is not at one place. */
  readonly line?: number
  readonly column?: number
  readonly message: string
  /** The line at fault with every other value blotted out. */
  readonly source?: string
  /** How many columns to underline. */
  readonly width?: number
}

/** `mayfly.yaml:3:5: message`, with the line and a marker below it where there is one. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, source } = problem
  if (line === undefined || column === undefined) return `${file}: ${message}`
  const head = `${file}:${line}:${column}: ${message}`
  if (source === undefined) return head
  const gutter = String(line)
  const blank = ' '.repeat(gutter.length)
  const width = Math.max(1, Math.min(problem.width ?? 1, source.length - column + 1))
  return `${head}\n  ${gutter} | ${source}\n  ${blank} | ${' '.repeat(column - 1)}${'^'.repeat(width)}`
}

/** All of them, in the order of the file. */
export function formatProblems(problems: readonly Problem[]): string {
  return inOrder(problems).map(formatProblem).join('\n')
}

/** By place; those without a place come first. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort(
    (one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  )
}
