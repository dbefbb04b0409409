/**
 * policy-file: the top of a policy. Several files are one policy, so sections of all files are gathered before any
 * of them is read. Unknown keys are faults; keys that this version cannot honour are refused, never ignored.
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
  readonly tests: readonly Tree[]
}

/** Refused: a guardrail that nobody proves must not look as if it held. */
const notYet: ReadonlyMap<string, string> = new Map([
  ['guardrails', 'guardrails need the prover, which this version does not have'],
  ['baseline', 'the baseline guardrails need the prover, which this version does not have'],
])

const maps = ['issuers', 'lists', 'who', 'targets'] as const
const lists = ['grants', 'deny', 'tests'] as const
const known = ['version', 'strict', ...maps, ...lists, ...notYet.keys()]

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
    for (const [key, why] of notYet) {
      const entry = keys.get(key)
      if (entry !== undefined)
        faults.error('P036', entry.place, why, `remove \`${key}\`, or use a version that proves it`)
    }
  }
  const all = roots.map(({ keys }) => keys)
  const who = entries(all, 'who', faults)
  return {
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
    tests: items(all, 'tests', faults),
  }
}

function readStrict(entry: Entry | undefined, faults: Faults): void {
  if (entry === undefined) return
  if (entry.value.is === 'boolean') faults.strict ||= entry.value.text === 'true'
  else faults.error('P022', entry.value.place, '`strict` is true or false')
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
