/**
 * github-intake: a token's claims as text, or a refusal. Nothing is guessed: what is not a declared claim is not
 * read, what is declared must be text (or a number or boolean that is exactly one text) inside the claim's domain.
 */
import { has } from '../lang.ts'
import { foldAscii } from './fold.ts'
import { subjectContradicts } from './github-subject.ts'
import { parseWorkflowReference } from './github-workflow.ts'
import type { ClaimSchema, Intake } from './schema.ts'

type Given = Readonly<Record<string, unknown>>

/** `undefined` = missing; `false` = there is a value, but none that a claim may have. */
function read(given: Given, name: string): string | undefined | false {
  if (!Object.hasOwn(given, name)) return undefined
  const value = given[name]
  if (value === undefined || value === '') return undefined
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : false
  return typeof value === 'string' && (ascii.test(value) || !invisible.test(value)) ? value : false
}

/** What nearly all claims are, and quickly seen to be visible. */
const ascii = /^[ -~]*$/

/** Control, bidirectional, zero-width and private characters, lone surrogates: two texts that look alike. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u

const refuse = (claim: string, reason: string): Intake => ({ ok: false, claim, reason })

export function githubIntake(
  schema: ReadonlyMap<string, ClaimSchema>,
  given: Given,
  properties: readonly string[],
): Intake {
  const token = new Map<string, string>()
  for (const claim of schema.values()) {
    if (claim.name.startsWith('workflow.')) continue
    const fault = take(token, claim, read(given, claim.name))
    if (fault !== undefined) return refuse(claim.name, fault)
  }
  for (const property of properties) {
    const value = read(given, `repo_property_${property}`)
    if (value === false) return refuse(`repo_property_${property}`, 'is not text')
    if (value !== undefined) token.set(`repo_property_${property}`, value)
  }
  const workflow = takeWorkflow(token, schema, read(given, 'job_workflow_ref'))
  if (workflow !== undefined) return refuse('job_workflow_ref', workflow)
  return related(token, given)
}

function take(
  token: Map<string, string>,
  claim: ClaimSchema,
  value: string | undefined | false,
): string | undefined {
  if (value === false) return 'is not text'
  if (value === undefined) return claim.optional ? undefined : 'is missing'
  const text = claim.folded ? foldAscii(value) : value
  if (!has(claim.domain, text)) return 'has a value that this claim cannot have'
  token.set(claim.name, text)
  return undefined
}

function takeWorkflow(
  token: Map<string, string>,
  schema: ReadonlyMap<string, ClaimSchema>,
  value: string | undefined | false,
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
  const owner = read(given, 'repository_owner')
  const named = token.get('repository') ?? ''
  if (typeof owner !== 'string') return refuse('repository_owner', 'is missing')
  if (!named.startsWith(`${foldAscii(owner)}/`))
    return refuse('repository', 'does not start with repository_owner')
  const subject = read(given, 'sub')
  if (subject === false) return refuse('sub', 'is not text')
  const raw = (name: string): string | undefined => read(given, name) || undefined
  const against = subject === undefined ? undefined : subjectContradicts(subject, raw)
  return against === undefined ? { ok: true, token } : refuse(against, 'contradicts sub')
}
