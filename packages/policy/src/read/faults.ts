/** faults: gathers every problem of a load, so that one run shows them all. */
import type { Place, Problem } from '../problem.ts'

export class Faults {
  readonly #found: Problem[] = []
  /** Warnings count as errors: `strict: true`. */
  strict = false

  error(code: string, place: Place, message: string, hint?: string): void {
    this.#add('error', code, place, message, hint)
  }

  warning(code: string, place: Place, message: string, hint?: string): void {
    this.#add('warning', code, place, message, hint)
  }

  #add(severity: Problem['severity'], code: string, place: Place, message: string, hint?: string): void {
    const { path, line, column } = place
    this.#found.push({ code, severity, message, ...(hint === undefined ? {} : { hint }), path, line, column })
  }

  get failed(): boolean {
    return this.#found.some((problem) => problem.severity === 'error' || this.strict)
  }

  /** In the order of the files; each problem once. */
  all(): readonly Problem[] {
    const seen = new Map<string, Problem>()
    for (const found of this.#found) {
      const problem: Problem = this.strict ? { ...found, severity: 'error' } : found
      seen.set(
        `${problem.path}:${problem.line}:${problem.column}:${problem.code}:${problem.message}`,
        problem,
      )
    }
    return [...seen.values()].toSorted(byPlace)
  }
}

function byPlace(a: Problem, b: Problem): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1)
}
