/**
 * github-workflow: reads `job_workflow_ref`, OWNER/REPO/.github/workflows/FILE@REF. The split is at the first `@`
 * that a full ref or a full commit follows: a branch may itself be named `x@refs/tags/v7`, a path before it cannot.
 */
export interface WorkflowReference {
  readonly repo: string
  readonly file: string
  readonly ref: string
}

const split = /^([^/:@]+\/[^/:@]+)\/(\.github\/workflows\/[^/:@]+\.ya?ml)@(refs\/.+|[0-9a-f]{40})$/s

/** `undefined` when the text is anything else: there is no "nearly". */
export function parseWorkflowReference(text: string): WorkflowReference | undefined {
  const [, repo, file, ref] = split.exec(text) ?? []
  return repo === undefined || file === undefined || ref === undefined ? undefined : { repo, file, ref }
}
