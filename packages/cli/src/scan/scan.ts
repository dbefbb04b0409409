/**
 * scan: reads what a repository runs on GitHub Actions and says which static secrets it depends on, who else could run
 * code beside them, and what could stand in their place. Never runs what it reads, never changes it, and asks nobody.
 *
 * From here a file goes to its model (`workflow.ts`) and to each family of rules (`rules-*.ts`).
 */

import { Unreadable } from '@mayfly/policy/document-tree'
import { unprotected } from './environments.ts'
import type { Family, Finding, Rule } from './finding.ts'
import { writtenInputs } from './inputs.ts'
import { injectionRules, inputInjections } from './rules-injection.ts'
import { outsiderRules } from './rules-outsiders.ts'
import { permissionRules } from './rules-permissions.ts'
import { pinningRules } from './rules-pinning.ts'
import { secretRules } from './rules-secrets.ts'
import { readWorkflow } from './workflow.ts'

const unreadable: Rule = {
  id: 'MS000',
  name: 'unreadable-file',
  severity: 'high',
  title: 'A file cannot be read',
  why: 'What is not read is not checked.',
  instead: 'Mend the file, or take it out of the folder.',
}

const families: readonly Family[] = [
  secretRules,
  permissionRules,
  outsiderRules,
  injectionRules,
  pinningRules,
]

/** Every rule, by its id. */
export const rules: readonly Rule[] = [
  unreadable,
  unprotected,
  ...families.flatMap((family) => family.rules),
].toSorted((a, b) => (a.id < b.id ? -1 : 1))

interface Source {
  readonly path: string
  readonly text: string
}

/** What the rules find in the files of a checkout, in their order; one that cannot be read is one finding. */
export function scanFiles(files: readonly Source[]): readonly Finding[] {
  const read = files.map(readOrTell)
  const inputs = writtenInputs(read.flatMap(({ workflow }) => (workflow === undefined ? [] : [workflow])))
  return read.flatMap(({ workflow, path, told }) => {
    if (workflow === undefined) return told
    return [
      ...families.flatMap((family) => family.find(workflow)),
      ...inputInjections(workflow, inputs.get(path) ?? new Map()),
    ].toSorted((a, b) => a.line - b.line || a.column - b.column || (a.rule.id < b.rule.id ? -1 : 1))
  })
}

/** One file alone. */
export function scanFile(path: string, text: string): readonly Finding[] {
  return scanFiles([{ path, text }])
}

function readOrTell({ path, text }: Source) {
  try {
    return { path, workflow: readWorkflow(path, text), told: [] }
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown
    const { message, place } = thrown
    return { path, told: [{ rule: unreadable, path, ...place, message, instead: unreadable.instead }] }
  }
}
