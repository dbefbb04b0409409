/** report: what came of a run, so that a person sees in seconds what a new lock changes. */
import type { LockChange, ResolvedName } from '@mayfly/policy/lock-text'
import type { Problem } from '@mayfly/policy/problem'
import { table } from '../table.ts'
import type { Found } from './resolve.ts'
import { kindOf } from './thing.ts'

export interface Outcome {
  readonly upToDate: boolean
  readonly written: boolean
  readonly changes: readonly LockChange[]
  /** What GitHub calls differently from the policy, with the same id. */
  readonly renamed: readonly (ResolvedName & { readonly now: string })[]
  readonly problems: readonly Problem[]
}

/** Names that GitHub knows under another name now; `[bot]` after an app's name is no other name. */
export function renamedOnGithub(found: readonly Found[]): Outcome['renamed'] {
  return found
    .filter(({ name, thing }) => ![name, `${name}[bot]`].includes(thing.name.toLowerCase()))
    .map(({ section, name, id, thing }) => ({ section, name, id, now: thing.name }))
}

/** A name that is another thing now: whoever re-registered a name must not get what was granted to it. */
export function replacedProblem(
  change: Extract<LockChange, { readonly is: 'replaced' }>,
  found: Found,
): Problem {
  const { name, id, oldId } = change
  const message = `\`${name}\` is another ${kindOf(found.thing)} than before: locked is id ${oldId}, GitHub says ${id} (${found.thing.name})`
  const hint = `find out who holds the name now; if the new one is meant: mayfly policy lock --accept ${name}`
  return { code: 'P013', severity: 'error', message, hint, ...found.place }
}

export function sameThingProblem(names: readonly ResolvedName[], found: readonly Found[]): Problem {
  const [one, ...more] = found.filter((each) => names.some((name) => name.name === each.name))
  const said = names.map(({ name }) => `\`${name}\``).join(' and ')
  const place = more.at(-1)?.place ?? one?.place ?? { path: '', line: 1, column: 1 }
  const message = `${said} are one thing on GitHub (${names[0]?.id})`
  const hint = `write \`${one?.thing.name.toLowerCase()}\` everywhere in the policy`
  return { code: 'P013', severity: 'error', message, hint, ...place }
}

/** The changes as rows. */
export function changeTable(changes: readonly LockChange[], found: readonly Found[]): string {
  const rows = changes.map((change) => {
    const { is, section, name, id } = change
    return [is, section, name, id, note(change, found)]
  })
  return table(['CHANGE', 'SECTION', 'NAME', 'ID', 'NOTE'], rows)
}

function note(change: LockChange, found: readonly Found[]): string {
  if (change.is === 'replaced') return `was ${change.oldId}`
  if (change.is === 'renamed') return `was ${change.from}`
  if (change.is === 'gone') return 'the policy does not name it'
  const thing = found.find(({ section, name }) => section === change.section && name === change.name)?.thing
  if (thing === undefined) return '-'
  const called = thing.name.toLowerCase() === change.name ? '' : `, ${thing.name}`
  return `${kindOf(thing)}${called}`
}
