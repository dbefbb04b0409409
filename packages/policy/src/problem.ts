/**
 * problem: what is wrong with a policy, where, and how to mend it. Everything that loads or checks policies
 * reports through it; it never decides anything. Codes are listed in `docs/reference/policy-errors.md`.
 */

/** One fault or warning. Lines and columns count from 1, as editors do. */
export interface Problem {
  /** `P000` to `P043`. */
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly hint?: string
  readonly path: string
  readonly line: number
  readonly column: number
}

/** A file of a policy, or its lock. */
export interface SourceFile {
  readonly path: string
  readonly text: string
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
  // A policy may carry any character, in its messages too; a terminal must not obey it.
  const rows = [printable(`${path}:${line}:${column}: ${severity} ${code}: ${message}`)]
  const source = sourceText?.split(/\r?\n/)[line - 1]
  if (source !== undefined && source.trim() !== '') {
    const margin = `${line} | `
    rows.push(margin + printable(source))
    rows.push(`${' '.repeat(margin.length + printable(source.slice(0, column - 1)).length)}^`)
  }
  if (hint !== undefined) rows.push(`  help: ${printable(hint)}`)
  return rows.join('\n')
}

/** Controls, marks that turn text around, and lone surrogates as `\u{...}`; a tab as a blank. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) =>
    letter === '\t' ? ' ' : `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
