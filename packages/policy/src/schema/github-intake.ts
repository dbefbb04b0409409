/** github-intake: GitHub's claims as text; the reusable workflow in its parts, and what is said twice compared. */
import { type Given, refuse, type Text, take, textOf } from './claim-text.ts'
import { foldAscii } from './fold.ts'
import { subjectContradicts } from './github-subject.ts'
import { parseWorkflowReference } from './github-workflow.ts'
import type { ClaimSchema, Intake } from './schema.ts'

export function githubIntake(
  schema: ReadonlyMap<string, ClaimSchema>,
  given: Given,
  properties: readonly string[],
): Intake {
  const token = new Map<string, string>()
  for (const claim of schema.values()) {
    if (claim.name.startsWith('workflow.')) continue
    const fault = take(token, claim, textOf(given, claim.name))
    if (fault !== undefined) return refuse(claim.name, fault)
  }
  for (const property of properties) {
    const value = textOf(given, `repo_property_${property}`)
    if (value === false) return refuse(`repo_property_${property}`, 'is not text')
    if (value !== undefined) token.set(`repo_property_${property}`, value)
  }
  const workflow = takeWorkflow(token, schema, textOf(given, 'job_workflow_ref'))
  if (workflow !== undefined) return refuse('job_workflow_ref', workflow)
  return related(token, given)
}

function takeWorkflow(
  token: Map<string, string>,
  schema: ReadonlyMap<string, ClaimSchema>,
  value: Text,
): string | undefined {
  if (value === undefined) return undefined
  const parsed = value === false ? undefined : parseWorkflowReference(value)
  if (parsed === undefined) return 'is not OWNER/REPO/.github/workflows/FILE@REF'
  for (const part of ['repo', 'file', 'ref'] as const) {
    const claim = schema.get(`workflow.${part}`)
    const fault = claim === undefined ? 'is not known' : take(token, claim, parsed[part])
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Claims that say the same thing twice must agree. */
function related(token: ReadonlyMap<string, string>, given: Given): Intake {
  const owner = textOf(given, 'repository_owner')
  const named = token.get('repository') ?? ''
  if (typeof owner !== 'string') return refuse('repository_owner', 'is missing')
  if (!named.startsWith(`${foldAscii(owner)}/`))
    return refuse('repository', 'does not start with repository_owner')
  const subject = textOf(given, 'sub')
  if (subject === false) return refuse('sub', 'is not text')
  const raw = (name: string): string | undefined => textOf(given, name) || undefined
  const against = subject === undefined ? undefined : subjectContradicts(subject, raw)
  return against === undefined ? { ok: true, token } : refuse(against, 'contradicts sub')
}
