/**
 * workflow: the three parts of a reusable workflow as the one claim that the platforms see, `job_workflow_ref`. The parts
 * before the `@` never hold one, so that a text is split in one way only.
 */
import { Cannot } from './cannot.ts'
import type { ClaimTest, Piece } from './pieces.ts'
import { exactly } from './template.ts'

const parts = ['workflow.repo', 'workflow.file', 'workflow.ref'] as const

/** Patterns of the policy language for `job_workflow_ref`; a `ref` of `undefined` is any; no patterns: nothing is asked. */
export interface WorkflowForm {
  readonly path: string
  readonly ref: string | undefined
}

/** `'missing'`: the claim must not be there. Throws `Cannot` for what is said of a part and not of those before it. */
export function workflowsOf(piece: Piece): readonly WorkflowForm[] | 'missing' | undefined {
  const tests = parts.map((part) => piece.tests.get(part))
  if (tests.every((each) => each === undefined)) return undefined
  if (tests.some((each) => each?.some(({ is }) => is === 'missing'))) return 'missing'
  const [repos, files, refs] = tests.map((each) => formsOf(each, piece))
  if (repos === undefined || files === undefined)
    throw new Cannot(
      `grant \`${piece.grant.name}\`: a workflow is exported by its \`repo\` and \`file\`, and \`ref\` if it is said`,
    )
  return repos.flatMap((repo) =>
    files.flatMap((file) => (refs ?? [undefined]).map((ref) => ({ path: `${repo}/${file}`, ref }))),
  )
}

function formsOf(tests: readonly ClaimTest[] | undefined, piece: Piece): readonly string[] | undefined {
  if (tests === undefined) return undefined
  const values = exactly(tests)
  if (values !== undefined) return values
  const [only, second] = tests
  if (only?.is === 'like' && second === undefined) return [only.glob]
  if (only?.is === 'present' && second === undefined) return undefined
  throw new Cannot(`grant \`${piece.grant.name}\`: \`not\` of a workflow's parts cannot be exported`)
}
