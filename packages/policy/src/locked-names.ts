/**
 * locked-names: which names a policy needs from the lock. Asked of the loader itself, with locks that it does not
 * know yet, so that there is no second reader that could see other names than the one that decides.
 */
import { loadPolicy } from './load.ts'
import { lockOf, lockSections, lockText, type ResolvedName } from './lock-text.ts'
import type { Place, Problem, SourceFile } from './problem.ts'
import { emptyLock, type Lock, nameNotLocked } from './read/lock.ts'
import { foldAscii } from './schema/fold.ts'
import type { LockSection } from './schema/schema.ts'

/** A name as the lock has it, and where the policy says it first. */
export interface LockedName {
  readonly section: LockSection
  readonly name: string
  readonly place: Place
}

/** With problems not every name may have been seen: do not drop others from a lock because of it. */
export interface LockedNames {
  readonly names: readonly LockedName[]
  readonly problems: readonly Problem[]
}

/**
 * All names, in the order of the files. Ids of `lock` are used where it has them; the others are made up, so that
 * reading goes on to the tests. Tests that fail (P037) and guardrails that do not hold (P028) are no problem here:
 * they may do so because of such an id, and everything was read before.
 */
export function lockedNames(files: readonly SourceFile[], lock: Lock = emptyLock): LockedNames {
  const found = new Map<string, LockedName>()
  const standIns: ResolvedName[] = []
  const known = onlyIds(lock)
  for (;;) {
    const loaded = loadPolicy(files, { path: 'policy.lock.yaml', text: lockText(lockOf(standIns)) })
    const problems = loaded.ok ? [] : loaded.problems.filter(({ severity }) => severity === 'error')
    const before = found.size
    for (const problem of problems) {
      const missing = nameNotLocked(problem)
      if (missing === undefined) continue
      const { section } = missing
      const name = foldAscii(missing.name)
      if (found.has(`${section} ${name}`)) continue
      const { path, line, column } = problem
      found.set(`${section} ${name}`, { section, name, place: { path, line, column } })
      standIns.push({ section, name, id: known.get(`${section} ${name}`) ?? madeUp(found.size) })
    }
    if (found.size > before) continue
    return {
      names: [...found.values()].toSorted((a, b) => byPlace(a.place, b.place)),
      problems: problems.filter(({ code }) => code !== 'P037' && code !== 'P028'),
    }
  }
}

/** Eighteen digits: no id of GitHub's, and a value that claims may have. */
function madeUp(position: number): string {
  return `8${String(position).padStart(17, '0')}`
}

/** Ids that exactly one name of its section has; the loader refuses others. */
function onlyIds(lock: Lock): ReadonlyMap<string, string> {
  return new Map(
    lockSections.flatMap((section) => {
      const groups = Map.groupBy(lock[section], ([, id]) => id)
      return [...groups.values()]
        .filter((group) => group.length === 1)
        .flatMap((group) => group.map(([name, id]) => [`${section} ${name}`, id] as const))
    }),
  )
}

function byPlace(a: Place, b: Place): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1
  return a.line - b.line || a.column - b.column
}
