/**
 * lock-text: the file `policy.lock.yaml`, read and written, and what a new lock changes. Pure: who asks GitHub for the
 * ids is the command `mayfly policy lock`.
 */
import type { Problem } from './problem.ts'
import { Faults } from './read/faults.ts'
import { emptyLock, type Lock, readLock } from './read/lock.ts'
import type { LockSection } from './schema/schema.ts'

/** In the order of the file. */
export const lockSections: readonly LockSection[] = ['owners', 'repos', 'users']

/** A name of the policy, and what GitHub says it is. Names are folded, as the lock has them. */
export interface ResolvedName {
  readonly section: LockSection
  readonly name: string
  readonly id: string
}

/** One line of difference between two locks. `replaced`: the name is another thing now. */
export type LockChange = ResolvedName &
  (
    | { readonly is: 'added' | 'gone' }
    | { readonly is: 'renamed'; readonly from: string }
    | { readonly is: 'replaced'; readonly oldId: string }
  )

/** The lock of a file, as far as it can be read. With faults it must not be taken for the whole. */
export function parseLock(file: { readonly path: string; readonly text: string } | undefined): {
  readonly lock: Lock
  readonly problems: readonly Problem[]
} {
  if (file === undefined) return { lock: emptyLock, problems: [] }
  const faults = new Faults()
  return { lock: readLock(file, faults), problems: faults.all() }
}

/** The lock of what was resolved. Two things of one name in a section: the last one counts. */
export function lockOf(resolved: readonly ResolvedName[]): Lock {
  const section = (wanted: LockSection) =>
    new Map(resolved.filter(({ section }) => section === wanted).map(({ name, id }) => [name, id]))
  return { owners: section('owners'), repos: section('repos'), users: section('users') }
}

const header = `# Written by \`mayfly policy lock\`: the names of the policy and GitHub's ids of them. Do not edit by hand.
# Decisions are made by id: a renamed repository keeps working, a re-created name does not.
`

/** The file's text: the same for the same lock, whatever the order it was made in. */
export function lockText(lock: Lock): string {
  const parts = lockSections.map((section) => {
    const rows = sorted([...lock[section]]).map(([name, id]) => `  ${key(name)}: ${id}\n`)
    return rows.length === 0 ? `${section}: {}\n` : `${section}:\n${rows.join('')}`
  })
  return header + parts.join('')
}

/** `dependabot[bot]` and names that YAML reads as numbers or booleans are quoted. */
function key(name: string): string {
  return /^[a-z][a-z0-9._/-]*$/.test(name) && !/^(?:true|false|null|y|n|yes|no|on|off)$/.test(name)
    ? name
    : JSON.stringify(name)
}

/** What the new lock changes, in the order of the file; nothing = it is up to date. */
export function lockChanges(old: Lock, resolved: readonly ResolvedName[]): readonly LockChange[] {
  const fresh = lockOf(resolved)
  return lockSections.flatMap((section) => {
    const changes = new Map<string, LockChange>()
    const gone = new Map<string, string>()
    for (const [name, id] of old[section]) if (!fresh[section].has(name)) gone.set(id, name)
    const renamed = new Set<string>()
    for (const [name, id] of fresh[section]) {
      const oldId = old[section].get(name)
      const from = gone.get(id)
      if (oldId === id) continue
      if (oldId !== undefined) changes.set(name, { is: 'replaced', section, name, id, oldId })
      else if (from === undefined) changes.set(name, { is: 'added', section, name, id })
      else {
        renamed.add(from)
        changes.set(name, { is: 'renamed', section, name, id, from })
      }
    }
    for (const [name, id] of old[section]) {
      if (!fresh[section].has(name) && !renamed.has(name))
        changes.set(name, { is: 'gone', section, name, id })
    }
    return sorted([...changes]).map(([, change]) => change)
  })
}

/**
 * Names that are one thing: the loader refuses a lock in which two names have one id, because a grant to the one
 * would silently be a grant to the other.
 */
export function sameThings(resolved: readonly ResolvedName[]): readonly (readonly ResolvedName[])[] {
  const groups = Map.groupBy(resolved, ({ section, id }) => `${section} ${id}`)
  return [...groups.values()].filter((group) => new Set(group.map(({ name }) => name)).size > 1)
}

/** By code unit: the same on every machine. */
function sorted<Value>(
  entries: readonly (readonly [string, Value])[],
): readonly (readonly [string, Value])[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
}
