/** conditions: conditions that somebody types beside a policy, in its own words and with its own lock. */
import type { Box } from './box.ts'
import { buildPolicy } from './build.ts'
import type { Problem, SourceFile } from './problem.ts'
import { readConditions } from './read/conditions.ts'
import { Faults } from './read/faults.ts'
import { parseTree } from './read/tree.ts'
import type { Vocabulary } from './read/vocabulary.ts'

export type ReadConditions =
  | { readonly ok: true; readonly issuer: string; readonly boxes: readonly Box[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * `text` is YAML: the name of an entry of `who`, or conditions such as `{ repo: acme/web, branch: main }`. `issuer` may
 * be left out where the policy has one.
 */
export function conditionsOf(
  text: string,
  files: readonly SourceFile[],
  lock: SourceFile | undefined,
  issuer: string | undefined,
): ReadConditions {
  const faults = new Faults()
  const words = buildPolicy(files, lock, faults)?.vocabularies ?? new Map<string, Vocabulary>()
  const [only = ''] = words.keys()
  const vocabulary = words.get(issuer ?? only)
  const tree = parseTree('WHO', /^[A-Za-z0-9_-]+$/.test(text.trim()) ? `{ use: ${text} }` : text, faults)
  const boxes = vocabulary && tree && readConditions(tree, { ...vocabulary, delegated: new Set(), faults })
  if (vocabulary === undefined && !faults.failed) {
    const place = { path: 'WHO', line: 1, column: 1 }
    const names = [...words.keys()].join(', ')
    faults.error('P001', place, `the policy does not declare issuer \`${issuer}\``, `known: ${names}`)
  }
  if (boxes === undefined || vocabulary === undefined || faults.failed)
    return { ok: false, problems: faults.all() }
  return { ok: true, issuer: vocabulary.issuer.name, boxes }
}
