/** budget: how much one job may use of a target at our routes, however many tokens it gets for it. */
export interface Budget {
  /** Requests, statements, calls of tools. */
  readonly calls?: number
  /** Those of them that may change something. */
  readonly writes?: number
  /** Rows of results. */
  readonly rows?: number
  /** Of bodies, messages and results, both ways. */
  readonly bytes?: number
  /** From the first use on. */
  readonly minutes?: number
}

export const budgetParts = ['calls', 'writes', 'rows', 'bytes', 'minutes'] as const

/** `calls 100, writes 10`. */
export function budgetText(budget: Budget | undefined): string {
  if (budget === undefined) return ''
  return budgetParts
    .flatMap((part) => (budget[part] === undefined ? [] : [`${part} ${budget[part]}`]))
    .join(', ')
}
