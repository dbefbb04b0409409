/**
 * lock: names to GitHub's ids, as `policy lock` wrote them. Policies are read by people and say names; matching is by
 * id, so a renamed repository keeps working and a re-created name does not.
 */
import { foldAscii } from '../schema/fold.ts'
import type { LockSection } from '../schema/schema.ts'
import type { Faults } from './faults.ts'
import { fields, mapOf } from './shape.ts'
import { parseTree } from './tree.ts'

export interface Lock {
  readonly owners: ReadonlyMap<string, string>
  readonly repos: ReadonlyMap<string, string>
  readonly users: ReadonlyMap<string, string>
}

export const emptyLock: Lock = { owners: new Map(), repos: new Map(), users: new Map() }

const sections: readonly LockSection[] = ['owners', 'repos', 'users']

/** The fault of a name that the lock does not have (P013). `nameNotLocked` reads it again. */
export function notLocked(name: string, section: LockSection): string {
  return `\`${name}\` is not in the lock's \`${section}\``
}

/** The name that a problem says is missing in the lock. `lockedNames` finds by it what a policy asks for. */
export function nameNotLocked({
  code,
  message,
}: {
  readonly code: string
  readonly message: string
}): { readonly name: string; readonly section: LockSection } | undefined {
  const [, name, said] = /^`(.*)` is not in the lock's `([a-z]+)`$/.exec(message) ?? []
  const section = sections.find((each) => each === said)
  return code === 'P013' && name !== undefined && section !== undefined ? { name, section } : undefined
}

export function readLock(file: { path: string; text: string }, faults: Faults): Lock {
  const tree = parseTree(file.path, file.text, faults)
  const root = tree === undefined ? undefined : mapOf(tree, 'the lock', faults)
  if (root === undefined) return emptyLock
  const found = fields(root, sections, faults)
  const section = (name: LockSection): ReadonlyMap<string, string> => {
    const ids = new Map<string, string>()
    const names = new Map<string, string>()
    const value = found.get(name)?.value
    const map = value === undefined ? undefined : mapOf(value, `\`${name}\``, faults)
    for (const entry of map?.entries ?? []) {
      const { value: id } = entry
      if ((id.is === 'number' || id.is === 'text') && /^[1-9][0-9]{0,18}$/.test(id.text)) {
        const name = foldAscii(entry.key)
        const other = names.get(id.text)
        if (ids.has(name)) faults.error('P022', entry.place, `duplicate name \`${entry.key}\``)
        else if (other !== undefined) {
          // Matching is by id: a grant to the one would silently be a grant to the other.
          const message = `\`${entry.key}\` has the id of \`${other}\` (${id.text})`
          faults.error('P013', id.place, message, 'remove the old name')
        }
        ids.set(name, id.text)
        names.set(id.text, entry.key)
      } else faults.error('P013', id.place, `\`${entry.key}\` has no id`, 'run `mayfly policy lock`')
    }
    return ids
  }
  return { owners: section('owners'), repos: section('repos'), users: section('users') }
}
