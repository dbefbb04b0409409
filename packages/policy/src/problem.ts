/**
 * problem: what is wrong with a policy, where, and how to mend it. Everything that loads or checks policies
 * reports through it; it never decides anything. Codes are listed in `docs/reference/policy-errors.md`.
 */

/** One fault or warning. Lines and columns count from 1, as editors do. */
export interface Problem {
  /** `P000` to `P038`. */
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly hint?: string
  readonly path: string
  readonly line: number
  readonly column: number
}

/** A place in a file. */
export interface Place {
  readonly path: string
  readonly line: number
  readonly column: number
}

/** One problem as text for a terminal; with the file's text also the line and a caret below its column. */
export function formatProblem(problem: Problem, sourceText?: string): string {
  const { path, line, column, severity, code, message, hint } = problem
  const rows = [`${path}:${line}:${column}: ${severity} ${code}: ${message}`]
  const source = sourceText?.split(/\r?\n/)[line - 1]
  if (source !== undefined && source.trim() !== '') {
    const margin = `${line} | `
    // A policy may carry any character; a terminal must not obey it.
    rows.push(margin + printable(source))
    rows.push(`${' '.repeat(margin.length + column - 1)}^`)
  }
  if (hint !== undefined) rows.push(`  help: ${hint}`)
  return rows.join('\n')
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (letter) => (letter === '\t' ? ' ' : '\u{fffd}'))
}
