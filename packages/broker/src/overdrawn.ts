import { spent } from './route/budgets.ts'
import { Conflict } from './store/store.ts'

/** What the store says of a budget, as the caller is to hear it. Throws, always. */
export function overdrawn(thrown: unknown): never {
  const [, part] = thrown instanceof Conflict ? (/^(.*)_spent$/.exec(thrown.kind) ?? []) : []
  throw part === undefined ? thrown : spent(part, thrown)
}
