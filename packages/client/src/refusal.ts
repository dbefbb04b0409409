import { isObject, jsonObject } from './json.ts'
import type { Answer } from './send.ts'

/** One condition of the policy that the token did not meet. */
export interface FailingCondition {
  readonly claim: string
  /** What the token had; "nothing" when it had no such claim. */
  readonly got: string
  readonly needed: string
  /** What to change. */
  readonly hint?: string
}

/** One grant of the policy that would have given the target. */
export interface FailingGrant {
  readonly grant: string
  readonly failing: readonly FailingCondition[]
}

/** Why the policy said no, as far as the caller may know it. The texts hold claim values: escape them. */
export interface Explanation {
  readonly summary: string
  readonly grants: readonly FailingGrant[]
}

interface RefusalParts {
  readonly error: string
  readonly status: number
  readonly description: string
  readonly explanation?: Explanation | undefined
  readonly errorId?: string | undefined
  readonly advice?: readonly string[] | undefined
}

/** The broker said no, or something that is no answer at all (`unexpected_answer`). Holds no secret. */
export class MayflyRefused extends Error {
  override readonly name = 'MayflyRefused'
  /** RFC 6749 5.2, RFC 8693 2.2.2: `invalid_target`, `invalid_scope`, ... or `unexpected_answer`. */
  readonly error: string
  /** The HTTP status. */
  readonly status: number
  /** What the broker adds for a person, without the explanation. */
  readonly description: string
  readonly explanation: Explanation | undefined
  /** Names the record of this refusal in the broker's log. */
  readonly errorId: string | undefined
  /** What its sender can find out about the token that was refused. Holds claim values: escape it. */
  readonly advice: readonly string[]
  /** What was answered, for whoever has said already that Mayfly refused: the message without its first words. */
  readonly answered: string

  constructor(parts: RefusalParts) {
    const answered = answeredOf(parts)
    super(`${parts.status >= 500 ? 'Mayfly failed' : 'Mayfly refused'}: ${answered}`)
    this.answered = answered
    this.error = parts.error
    this.status = parts.status
    this.description = parts.description
    this.explanation = parts.explanation
    this.errorId = parts.errorId
    this.advice = parts.advice ?? []
  }
}

function answeredOf({ error, status, description, errorId }: RefusalParts): string {
  const id = errorId === undefined ? '' : ` (error id ${errorId})`
  return `${error}, status ${status}. ${description}${id}`
}

/** RFC 6749 5.2 allows more; no registered error needs it. */
const errorPattern = /^[\w.:-]{1,100}$/

/**
 * The refusal in an answer. `secrets` are cut out first: a broken middle box may echo what it was sent. `advise` is asked
 * when the token itself was refused.
 */
export function refusalOf(
  answer: Answer,
  secrets: readonly string[],
  advise: () => readonly string[] = () => [],
): MayflyRefused {
  const text = secrets.reduce(
    (rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')),
    answer.text,
  )
  const members = jsonObject(text)
  const error = members?.['error']
  if (members === undefined || typeof error !== 'string' || !errorPattern.test(error)) {
    return unexpectedAnswer(answer.status)
  }
  return new MayflyRefused({
    error,
    status: answer.status,
    description: words(members['error_description']) ?? 'No description was given.',
    explanation: explanationOf(members['explanation']),
    errorId: words(members['error_id']),
    advice: isTokens(error, members['error_description']) ? advise() : [],
  })
}

/** The one answer to every token that was not accepted, whatever the reason. */
function isTokens(error: string, description: unknown): boolean {
  return error === 'invalid_request' && description === 'The token was not accepted.'
}

/** An answer that no Mayfly broker gives: a wrong URL, or a middle box. */
export function unexpectedAnswer(status: number): MayflyRefused {
  return new MayflyRefused({
    error: 'unexpected_answer',
    status,
    description: 'The answer is not one that a Mayfly broker gives; is the URL right?',
  })
}

function explanationOf(value: unknown): Explanation | undefined {
  if (!isObject(value)) return undefined
  const grants = list(value['grants']).map((grant) => ({
    grant: words(grant['grant']) ?? 'unnamed',
    failing: list(grant['failing']).map(conditionOf),
  }))
  return { summary: words(value['summary']) ?? '', grants }
}

function conditionOf(value: Readonly<Record<string, unknown>>): FailingCondition {
  const hint = words(value['hint'])
  return {
    claim: words(value['claim']) ?? 'unnamed',
    got: words(value['got']) ?? 'nothing',
    needed: words(value['needed']) ?? 'nothing',
    ...(hint === undefined ? {} : { hint }),
  }
}

/** At most 20 objects: an answer is read by a person. */
function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject).slice(0, 20) : []
}

/** At most 500 characters of text; a value that is no text comes as JSON. */
function words(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 500 ? `${text.slice(0, 499)}…` : text
}
