/** scan/inputs: what the workflows of a checkout hand to its own actions and called workflows. */
import { entriesOf, member, type Node, textOf } from '@mayfly/policy/document-tree'
import { isWritten } from './rules-injection.ts'
import type { Workflow } from './workflow.ts'

/** Inputs of a file by name, folded, and where a caller fills one with what somebody else writes: `PATH:LINE`. */
export type WrittenInputs = ReadonlyMap<string, string>

/** For each path of an action or a called workflow that such a text reaches. One step deep: callers are workflows. */
export function writtenInputs(workflows: readonly Workflow[]): ReadonlyMap<string, WrittenInputs> {
  const found = new Map<string, Map<string, string>>()
  for (const { path, jobs } of workflows) {
    const end = path.indexOf('.github/workflows/')
    if (end === -1) continue
    const calls = jobs.flatMap((job) => [
      { uses: job.uses?.text, given: member(job.node, 'with') },
      ...job.steps.map((step) => ({ uses: step.uses?.text, given: step.with })),
    ])
    for (const { uses, given } of calls) {
      if (uses === undefined || !uses.startsWith('./')) continue
      for (const [name, line] of filled(given))
        for (const called of calledPaths(path.slice(0, end), uses))
          found.set(called, (found.get(called) ?? new Map()).set(name, `${path}:${line}`))
    }
  }
  return found
}

function filled(given: Node | undefined): readonly (readonly [string, number])[] {
  return entriesOf(given)
    .filter(({ value }) => isWritten(textOf(value) ?? ''))
    .map(({ key, place }) => [key.toLowerCase(), place.line])
}

/** `./.github/actions/x` is a folder, `./.github/workflows/x.yml` a file, both from the root of the checkout. */
function calledPaths(root: string, uses: string): readonly string[] {
  const rest = uses.slice(2).replace(/\/+$/, '')
  if (/\.ya?ml$/.test(rest)) return [root + rest]
  const folder = rest === '' || rest === '.' ? root : `${root}${rest}/`
  return [`${folder}action.yml`, `${folder}action.yaml`]
}
