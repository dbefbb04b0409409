/** What one answer may cost: schema and arguments come from others, and neither may keep us busy. */
export interface Cost {
  /** Steps that are left. */
  left: number
}

/** Enough for arguments of a megabyte under any schema that a person wrote. */
export const mostSteps = 1_000_000
/** Deepest nesting, references included. */
export const deepest = 200

/** It cannot be told: the schema breaks its own rules, or telling would take too long. */
export class Untold extends Error {}

/** Pays for steps. Throws `Untold` when there are none left. */
export function pay(cost: Cost, steps = 1): void {
  cost.left -= steps
  if (cost.left < 0) throw new Untold('it takes too long to check')
}
