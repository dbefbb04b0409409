/**
 * convert/aws: IAM trust policies as rules. Operators mean what IAM documents: a missing key fails, but passes for
 * `...IfExists`, for negated ones and for `ForAllValues`. What a policy should never pass is told, and not taken over.
 */

import { foldAscii } from '../../schema/fold.ts'
import {
  type Asked,
  absent,
  allOf,
  anyRun,
  type Bound,
  both,
  either,
  ignoresCase,
  neither,
  oneLetter,
  oneOf,
  type PatternPart,
  pattern,
  present,
} from '../bound.ts'
import type { Finding } from '../cannot.ts'
import { Cannot } from '../cannot.ts'
import { audienceFinding, type ImportedRule, type Setting } from '../rule.ts'

export interface AwsDocument {
  /** The role's ARN. */
  readonly role: string
  /** The trust policy: an object, as JSON has it. */
  readonly document: unknown
  readonly seconds?: number
}

type Statement = Readonly<Record<string, unknown>>

/** The rule of one role; throws `Cannot` for a document that is not a trust policy of GitHub's jobs. */
export function importAws(
  { role, document, seconds = 3600 }: AwsDocument,
  provider: string,
  setting: Setting,
): ImportedRule {
  const findings: Finding[] = []
  const statements = listOf(record(document)?.['Statement']).map(record)
  if (statements.length === 0 || statements.includes(undefined))
    throw new Cannot(`${role}: not a trust policy: it has no statements`)
  const alternatives = statements.flatMap((statement, at) => {
    const asked =
      statement &&
      alternativeOf(statement, provider, (code, message, effect, what) =>
        findings.push({
          code,
          message,
          effect,
          at: what ?? String(statement['Sid'] ?? `statement ${at + 1}`),
        }),
      )
    return asked === undefined ? [] : [asked]
  })
  return {
    name: role.split('/').at(-1) ?? role,
    access: setting.access,
    accessFromKind: false,
    target: `aws_role: ${JSON.stringify(role)}`,
    seconds: Math.min(seconds, 3600),
    alternatives,
    findings,
  }
}

type Tell = (code: string, message: string, effect: Finding['effect'], at?: string) => void

function alternativeOf(statement: Statement, provider: string, tell: Tell): Asked | undefined {
  const actions = listOf(statement['Action']).map(String)
  if (!actions.some(assumes) && statement['NotAction'] === undefined) return undefined
  if (statement['Effect'] !== 'Allow' && statement['Effect'] !== 'Deny')
    throw new Cannot('not a trust policy: the `Effect` of a statement is `Allow` or `Deny`')
  if (statement['Effect'] === 'Deny')
    throw new Cannot(
      'a statement with `Effect: Deny` takes something away: write it as a `deny` rule, and import the rest',
    )
  if (statement['NotAction'] !== undefined || statement['NotPrincipal'] !== undefined) {
    tell('statement-not-understood', '`NotAction` and `NotPrincipal` mean everything else', 'left out')
    return undefined
  }
  const principal = statement['Principal']
  const federated = listOf(record(principal)?.['Federated']).map(String)
  if (
    principal !== '*' &&
    !federated.some((arn) => arn === '*' || arn.endsWith(`oidc-provider/${provider}`))
  ) {
    tell('another-principal', 'it trusts somebody else than GitHub', 'left out')
    return undefined
  }
  if (principal === '*' || federated.includes('*'))
    tell(
      'any-principal',
      'every identity provider of the account is trusted; the policy takes GitHub',
      'narrowed',
    )
  return conditionsOf(conditionMap(statement['Condition'] ?? {}), provider, tell)
}

/** Of actions too `*` is any run and `?` one letter, and case is ignored. */
function assumes(action: string): boolean {
  const pattern = action
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${pattern}$`, 'i').test('sts:AssumeRoleWithWebIdentity')
}

/** To take what cannot be read for no condition would widen the rule. */
function conditionMap(value: unknown): Statement {
  const found = record(value)
  if (found === undefined) throw new Cannot('not a trust policy: a `Condition` is a map of maps')
  return found
}

function conditionsOf(condition: Statement, provider: string, tell: Tell): Asked | undefined {
  let asked: Asked | undefined = new Map()
  let audiences: readonly string[] | undefined
  for (const [operator, row] of Object.entries(condition)) {
    for (const [key, said] of Object.entries(conditionMap(row))) {
      const claim = claimOf(key, provider)
      const values = listOf(said).map(String)
      if (claim === 'aud') {
        if (/^(?:ForAnyValue:)?String(?:Equals|EqualsIgnoreCase|Like)$/.test(operator)) audiences = values
        continue
      }
      const bound = claim === undefined ? undefined : boundOf(operator, claim, values, tell)
      if (claim === undefined || bound === undefined) {
        tell(
          'condition-not-understood',
          `\`${operator}\` of \`${key}\` has no words in a policy`,
          'left out',
          values.join(', '),
        )
        asked = undefined
      } else if (asked !== undefined) asked = allOf(asked, new Map([[claim, bound]]))
    }
  }
  const audience = audienceFinding(audiences)
  if (audience !== undefined) tell(audience.code, audience.message, audience.effect, audience.at)
  if (asked !== undefined && !asked.has('sub') && !asked.has('job_workflow_ref'))
    tell(
      'no-subject',
      'no condition of `sub`: AWS itself refuses to write such a trust policy by now',
      'note',
    )
  return asked
}

/** Keys ignore case, as IAM's do. */
function claimOf(key: string, provider: string): string | undefined {
  const at = key.lastIndexOf(':')
  return foldAscii(key.slice(0, at)) === foldAscii(provider) ? foldAscii(key.slice(at + 1)) : undefined
}

function boundOf(operator: string, claim: string, values: readonly string[], tell: Tell): Bound | undefined {
  if (operator === 'Null')
    return values.length === 1 && values[0] === 'true' ? absent : values[0] === 'false' ? present : undefined
  const [, every, name, ifExists] =
    /^(ForAnyValue:|ForAllValues:)?(String(?:Not)?(?:Equals|EqualsIgnoreCase|Like))(IfExists)?$/.exec(
      operator,
    ) ?? []
  if (name === undefined || values.some((value) => value.includes('${'))) return undefined
  // Of a claim whose case counts here, every spelling would have to be taken away.
  if (name === 'StringNotEqualsIgnoreCase' && !ignoresCase(claim)) return undefined
  if (values.some((value) => /^\*+$/.test(value)) && !name.includes('Not'))
    tell('any-value', `\`*\` is every value of \`${claim}\``, 'note', values.join(', '))
  const said = either(
    values.map((value) => (name.endsWith('Like') ? pattern(claim, likeParts(value)) : oneOf(claim, [value]))),
  )
  if (name.includes('Not')) {
    const missing = every === undefined || every === 'ForAllValues:'
    if (missing)
      tell('absent-passes', `\`${operator}\` holds when \`${claim}\` is missing`, 'note', values.join(', '))
    return neither(said, missing)
  }
  if (every === 'ForAllValues:' || ifExists !== undefined)
    tell(
      'absent-passes',
      `\`${operator}\` holds when \`${claim}\` is missing; the policy wants it`,
      'narrowed',
      values.join(', '),
    )
  return both(said, present)
}

/** `*` any run, `?` one letter; `?*` a run of at least one. */
function likeParts(value: string): readonly PatternPart[] {
  return value
    .split(/(\?\*|\*\?|\*|\?)/)
    .filter((part) => part !== '')
    .map((part): PatternPart => {
      if (part === '*') return anyRun
      if (part === '?') return oneLetter
      return part === '?*' || part === '*?' ? { ...(anyRun as Exclude<PatternPart, string>), least: 1 } : part
    })
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}
