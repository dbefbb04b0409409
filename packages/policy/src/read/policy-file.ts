/**
 * policy-file: the top of a policy. Several files are one policy, so sections of all files are gathered before any
 * of them is read. Unknown keys are faults, never ignored.
 */
import type { Faults } from './faults.ts'
import { fields, listOf, mapOf, Names } from './shape.ts'
import { type Entry, type ListTree, parseTree, type Tree } from './tree.ts'

export interface Sections {
  readonly issuers: readonly Entry[]
  readonly lists: ReadonlyMap<string, ListTree>
  readonly who: ReadonlyMap<string, Tree>
  readonly whoPlaces: readonly Entry[]
  readonly targets: readonly Entry[]
  readonly grants: readonly Tree[]
  readonly deny: readonly Tree[]
  readonly guardrails: readonly Tree[]
  readonly tests: readonly Tree[]
  /** By the base name of the file that they bind. */
  readonly delegations: readonly Entry[]
  /** A file's own `scope`. */
  readonly scopes: readonly Entry[]
  /** Of every file. */
  readonly paths: readonly string[]
  /** Paths of files that belong to a team. */
  readonly delegated: ReadonlySet<string>
  /** Where the policy says `baseline: off`. */
  readonly withoutBaseline: Entry | undefined
}

const maps = ['issuers', 'lists', 'who', 'targets', 'delegations'] as const
const lists = ['grants', 'deny', 'guardrails', 'tests'] as const
const known = ['version', 'strict', 'baseline', 'scope', ...maps, ...lists]
/** What a team's own file may say; the rest is the organisation's. */
const delegable = ['version', 'scope', 'lists', 'who', 'grants', 'deny', 'tests']

export function gatherSections(files: readonly { path: string; text: string }[], faults: Faults): Sections {
  const roots = files.flatMap((file) => {
    const tree = parseTree(file.path, file.text, faults)
    const root = tree === undefined ? undefined : mapOf(tree, 'a policy', faults)
    return root === undefined
      ? []
      : [fields(root, known, faults)].map((keys) => ({ keys, place: root.place }))
  })
  for (const { keys, place } of roots) {
    const version = keys.get('version')
    if (version === undefined)
      faults.error('P022', place, 'the file does not say its version', 'add version: 1')
    else if (version.value.is !== 'number' || version.value.text !== '1') {
      faults.error('P022', version.value.place, 'only version 1 is known', 'write version: 1')
    }
    readStrict(keys.get('strict'), faults)
  }
  const all = roots.map(({ keys }) => keys)
  const delegations = entries(all, 'delegations', faults)
  const scopes = all.flatMap((keys) => keys.get('scope') ?? [])
  const delegated = new Set([
    ...scopes.map(({ place }) => place.path),
    ...delegations.flatMap(({ key }) =>
      files.map(({ path }) => path).filter((path) => baseName(path) === key),
    ),
  ])
  for (const { keys, place } of roots) if (delegated.has(place.path)) refuseForeign(keys, faults)
  const who = entries(all, 'who', faults)
  return {
    paths: files.map(({ path }) => path),
    delegations,
    scopes,
    delegated,
    issuers: entries(all, 'issuers', faults),
    lists: new Map(
      entries(all, 'lists', faults).flatMap(({ key, value }) => {
        const list = listOf(value, `list \`${key}\``, faults)
        return list === undefined ? [] : [[key, list] as const]
      }),
    ),
    who: new Map(who.map(({ key, value }) => [key, value])),
    whoPlaces: who,
    targets: entries(all, 'targets', faults),
    grants: items(all, 'grants', faults),
    deny: items(all, 'deny', faults),
    guardrails: items(all, 'guardrails', faults),
    tests: items(all, 'tests', faults),
    withoutBaseline: all.map((keys) => readBaseline(keys.get('baseline'), faults)).find(Boolean),
  }
}

/** The last part of a path, by which `delegations` name files. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function refuseForeign(keys: Keys, faults: Faults): void {
  for (const { key, place } of keys.values()) {
    if (delegable.includes(key)) continue
    const message = `\`${key}\` does not belong into a file with a scope`
    faults.error('P040', place, message, `such a file may have ${delegable.slice(1).join(', ')}`)
  }
}

function readStrict(entry: Entry | undefined, faults: Faults): void {
  if (entry === undefined) return
  if (entry.value.is === 'boolean') faults.strict ||= entry.value.text === 'true'
  else faults.error('P022', entry.value.place, '`strict` is true or false')
}

/** Off is a word in YAML 1.2's core schema, and a boolean for those who know older ones. */
function readBaseline(entry: Entry | undefined, faults: Faults): Entry | undefined {
  if (entry === undefined) return undefined
  const said = 'text' in entry.value ? entry.value.text : ''
  if (said === 'off') {
    const hint = 'remove `baseline: off` when the policy no longer needs what it allows'
    faults.warning('P039', entry.place, 'the baseline guardrails are off; nothing proves what they say', hint)
    return entry
  }
  if (said !== 'on') faults.error('P022', entry.value.place, '`baseline` is on or off')
  return undefined
}

type Keys = ReadonlyMap<string, Entry>

function entries(files: readonly Keys[], section: (typeof maps)[number], faults: Faults): readonly Entry[] {
  const names = new Names(`name in \`${section}\`:`)
  return files
    .flatMap((keys) => {
      const entry = keys.get(section)
      return (entry && mapOf(entry.value, `\`${section}\``, faults)?.entries) ?? []
    })
    .filter((entry) => names.take(entry.key, entry.place, faults))
}

function items(files: readonly Keys[], section: (typeof lists)[number], faults: Faults): readonly Tree[] {
  return files.flatMap((keys) => {
    const entry = keys.get(section)
    return (entry && listOf(entry.value, `\`${section}\``, faults)?.items) ?? []
  })
}
