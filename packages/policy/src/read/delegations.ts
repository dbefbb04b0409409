/**
 * delegations: a team's own file, and whom and what it may speak of. The organisation binds a file by its name in
 * `delegations`; a file may also carry its `scope` itself, for its readers. Where both stand, both hold: a team that
 * takes its own `scope` out is still bound.
 */
import type { Selection, Who } from '../policy.ts'
import type { Place } from '../problem.ts'
import type { Faults } from './faults.ts'
import { readWhoOf } from './guardrails.ts'
import { baseName, type Sections } from './policy-file.ts'
import type { Targets } from './rules.ts'
import { readSelection } from './selector.ts'
import { durationOf, fields, mapOf } from './shape.ts'
import type { Entry } from './tree.ts'
import type { Vocabularies } from './vocabulary.ts'

/** What one file may say. */
export interface Delegation {
  /** Path of the team's file. */
  readonly path: string
  readonly who: Who
  readonly get: Selection
  /** Longest lifetime; absent: what the targets allow. */
  readonly seconds?: number
  readonly place: Place
}

export function readDelegations(
  sections: Sections,
  targets: Targets,
  vocabularies: Vocabularies,
  faults: Faults,
): readonly Delegation[] {
  const bound = sections.delegations.flatMap((entry) => {
    const paths = [...sections.delegated].filter((path) => baseName(path) === entry.key)
    if (paths.length === 0) {
      const message = `there is no file \`${entry.key}\`; it would be bound as soon as it is there`
      // A name that no file can have binds nothing for ever, and whoever wrote it believes that it does.
      if (!/^[^/\\]+\.policy\.yaml$/.test(entry.key) || isOtherSpelling(entry.key, sections.paths)) {
        faults.error(
          'P040',
          entry.place,
          message,
          "write the file's own name, shop.policy.yaml, without a folder",
        )
      } else faults.warning('P040', entry.place, message)
    }
    return (paths.length === 0 ? [''] : paths).map((path) =>
      readScope(entry, path, targets, vocabularies, faults),
    )
  })
  const own = sections.scopes.map((entry) =>
    readScope(entry, entry.place.path, targets, vocabularies, faults),
  )
  return [...bound, ...own].filter((delegation) => delegation !== undefined)
}

function isOtherSpelling(name: string, paths: readonly string[]): boolean {
  return paths.some((path) => baseName(path).toLowerCase() === name.toLowerCase())
}

function readScope(
  entry: Entry,
  path: string,
  targets: Targets,
  vocabularies: Vocabularies,
  faults: Faults,
): Delegation | undefined {
  const map = mapOf(entry.value, `\`${entry.key}\``, faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['issuer', 'who', 'get', 'for'], faults)
  const [whoEntry, getEntry, forEntry] = [keys.get('who'), keys.get('get'), keys.get('for')]
  if (whoEntry === undefined || getEntry === undefined) {
    faults.error('P040', entry.place, 'a scope says for whom and for which targets', 'add who: and get:')
    return undefined
  }
  const who = readWhoOf(whoEntry, keys, vocabularies, faults)
  const get = readSelection(getEntry.value, targets, faults)
  const seconds = forEntry && durationOf(forEntry.value, faults)
  if (who === undefined || get === undefined || (forEntry && seconds === undefined)) return undefined
  return { path, who, get, place: entry.place, ...(seconds === undefined ? {} : { seconds }) }
}
