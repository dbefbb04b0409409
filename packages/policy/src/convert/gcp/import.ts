/**
 * convert/gcp: a provider of a workload identity pool, and who may act as a service account, as a rule. The condition is a
 * subset of CEL; the members of the service account are one more condition, on what the provider maps.
 */
import {
  type Asked,
  absent,
  allOf,
  anyRun,
  type Bound,
  either,
  ignoresCase,
  neither,
  oneOf,
  type PatternPart,
  pattern,
  present,
} from '../bound.ts'
import { Cannot, type Finding } from '../cannot.ts'
import { isReadExactly, readPatterns } from '../octo-sts/patterns.ts'
import type { ImportedRule, Setting } from '../rule.ts'
import { type Expression, parseCel, parseCelValue, type Value } from './cel.ts'

export interface GcpDocument {
  /** As `gcloud iam workload-identity-pools providers describe --format=json` shows it. */
  readonly provider: unknown
  readonly serviceAccount: string
  /** Members that hold `roles/iam.workloadIdentityUser`; absent: every identity of the provider. */
  readonly members?: readonly string[]
  /** Members that hold it under a condition of IAM's own. */
  readonly conditional?: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>
type Tell = (code: string, at: string, message: string, effect: Finding['effect']) => void
type Mapping = ReadonlyMap<string, Value | undefined>

const github = 'https://token.actions.githubusercontent.com'
const MOST_ALTERNATIVES = 100

/** Throws `Cannot` for a provider that is not GitHub's. */
export function importGcp(
  { provider, serviceAccount, members, conditional = [] }: GcpDocument,
  setting: Setting,
  issuer = github,
): ImportedRule {
  const fields = fieldsOf(provider) ?? {}
  const uri = fieldsOf(fields['oidc'])?.['issuerUri']
  if (uri !== issuer) throw new Cannot(`the provider's issuer is ${String(uri)}; only ${issuer} is imported`)
  if (fields['disabled'] === true || fields['state'] === 'DELETED')
    throw new Cannot('the provider is disabled or deleted: it lets nobody in')
  const findings: Finding[] = []
  const tell: Tell = (code, at, message, effect) => findings.push({ code, at, message, effect })
  const mapping: Mapping = new Map(
    Object.entries(fieldsOf(fields['attributeMapping']) ?? {}).map(([name, text]) => [
      name,
      parseCelValue(String(text)),
    ]),
  )
  const condition = fields['attributeCondition']
  if (condition === undefined || condition === '')
    tell('no-condition', 'attributeCondition', 'every repository of GitHub gets a token of the pool', 'note')
  const base =
    typeof condition === 'string' && condition !== '' ? conditionsOf(condition, mapping, tell) : [new Map()]
  for (const member of conditional)
    tell('member-condition', member, 'its binding has a condition of its own', 'left out')
  const pool = poolOf(fields['name'])
  const who = members
    ?.map((member) => memberOf(member, pool, mapping, tell))
    .filter((each) => each !== undefined) ?? [new Map()]
  if (members === undefined)
    tell(
      'no-members',
      serviceAccount,
      'without its members, every identity of the provider is taken to be meant',
      'note',
    )
  return {
    name: serviceAccount.split('@')[0] ?? serviceAccount,
    access: setting.access,
    accessFromKind: false,
    target: `gcp_service_account: ${JSON.stringify(serviceAccount)}`,
    seconds: 3600,
    alternatives: base.flatMap((one) => who.map((other) => allOf(one, other))),
    findings,
  }
}

/** `projects/NUMBER/locations/global/workloadIdentityPools/POOL` of a provider's name. */
function poolOf(name: unknown): string | undefined {
  return typeof name === 'string'
    ? /^(.+\/workloadIdentityPools\/[^/]+)\/providers\//.exec(name)?.[1]
    : undefined
}

function memberOf(member: string, pool: string | undefined, mapping: Mapping, tell: Tell): Asked | undefined {
  const [, set, its, rest = ''] =
    /^principal(Set)?:\/\/iam\.googleapis\.com\/([^ ]*?workloadIdentityPools\/[^/]+)\/(.+)$/.exec(member) ??
    []
  if (pool !== undefined && its !== undefined && its !== pool) {
    tell('another-pool', member, `it is of another pool than the provider, \`${pool}\``, 'left out')
    return undefined
  }
  if (set === 'Set' && rest === '*') {
    tell('any-member', member, 'every identity of the pool, of all its providers', 'note')
    return new Map()
  }
  const [, subject] = /^subject\/(.+)$/.exec(rest) ?? []
  const [, name, value] = /^attribute\.([^/]+)\/(.+)$/.exec(rest) ?? []
  const key = set === undefined && subject !== undefined ? 'google.subject' : `attribute.${name}`
  const wanted = subject ?? value
  const asked =
    wanted === undefined
      ? undefined
      : compared({ is: 'field', name: key }, { is: 'text', text: wanted }, mapping)
  if (asked === undefined || asked === 'never') {
    if (asked === undefined) tell('member-not-understood', member, 'it has no words in a policy', 'left out')
    return undefined
  }
  return asked
}

function conditionsOf(source: string, mapping: Mapping, tell: Tell): readonly Asked[] {
  const tree = parseCel(source)
  if (tree === undefined) {
    tell(
      'condition-not-understood',
      source,
      'a condition that is more than comparisons has no words in a policy',
      'left out',
    )
    return []
  }
  return alternatives(tree, false, mapping, (part) =>
    tell(
      'condition-not-understood',
      part,
      'this part has no words in a policy; what needs it is left out',
      'left out',
    ),
  )
}

/** Alternatives of which one must hold. What is not understood is as if it were false. */
function alternatives(
  node: Expression,
  negated: boolean,
  mapping: Mapping,
  lost: (part: string) => void,
): readonly Asked[] {
  if (!('left' in node)) {
    if (node.is === 'not') return alternatives(node.of, !negated, mapping, lost)
    const parts = node.of.map((part) => alternatives(part, negated, mapping, lost))
    if ((node.is === 'or') !== negated) return parts.flat()
    const all = parts.reduce<readonly Asked[]>(
      (made, part) => made.flatMap((one) => part.map((other) => allOf(one, other))),
      [new Map()],
    )
    if (all.length > MOST_ALTERNATIVES)
      throw new Cannot(`the condition has more than ${MOST_ALTERNATIVES} alternatives`)
    return all
  }
  const asked = leaf(node, negated, mapping)
  if (asked === undefined) lost(JSON.stringify(node))
  return asked === undefined || asked === 'never' ? [] : [asked]
}

type Leaf = Extract<Expression, { readonly left: Value }>

function leaf(node: Leaf, negated: boolean, mapping: Mapping): Asked | 'never' | undefined {
  if (node.is === '==' || node.is === '!=') {
    const [left, right] = node.left.is === 'text' ? [node.right, node.left] : [node.left, node.right]
    return (node.is === '!=') !== negated ? notEqual(left, right, mapping) : compared(left, right, mapping)
  }
  const claim = claimOf(node.left, mapping)
  if (claim === undefined || claim.is !== 'field') return undefined
  const name = claim.name
  if (node.is === 'has') return new Map([[name, negated ? absent : present]])
  // What is read narrower than it is would be wider when it is negated.
  if (
    negated &&
    node.is === 'matches' &&
    !(node.right.is === 'text' && isReadExactly(node.right.text, ignoresCase(name)))
  )
    return undefined
  const bound = boundOf(node, name)
  return bound && new Map([[name, negated ? neither(bound, false) : bound]])
}

function boundOf(node: Exclude<Leaf, { is: '==' | '!=' | 'has' }>, claim: string): Bound | undefined {
  const { right } = node
  if (node.is === 'in') {
    if (right.is !== 'list' || right.items.some(({ is }) => is !== 'text')) return undefined
    return oneOf(
      claim,
      right.items.map((item) => (item.is === 'text' ? item.text : '')),
    )
  }
  if (right.is !== 'text') return undefined
  const { text } = right
  if (node.is === 'startsWith') return pattern(claim, [text, anyRun])
  if (node.is === 'endsWith') return pattern(claim, [anyRun, text])
  if (node.is === 'contains') return pattern(claim, [anyRun, text, anyRun])
  // `matches` finds the expression anywhere unless it is anchored. More anchored is narrower.
  const found = readPatterns(text)
  const lead: readonly PatternPart[] = text.startsWith('^') ? [] : [anyRun]
  const trail: readonly PatternPart[] = /(?<!\\)\$$/.test(text) ? [] : [anyRun]
  return found && either(found.map((parts) => pattern(claim, [...lead, ...parts, ...trail])))
}

function compared(left: Value, right: Value, mapping: Mapping): Asked | 'never' | undefined {
  const field = claimOf(left, mapping)
  if (field === undefined || right.is !== 'text') return undefined
  if (field.is === 'text') return field.text === right.text ? new Map() : 'never'
  if (field.is !== 'field') return undefined
  if (field.name === 'iss') return right.text === github ? new Map() : 'never'
  return field.name === 'aud' ? new Map() : new Map([[field.name, oneOf(field.name, [right.text])]])
}

function notEqual(left: Value, right: Value, mapping: Mapping): Asked | undefined {
  const field = claimOf(left, mapping)
  if (field?.is !== 'field' || right.is !== 'text') return undefined
  return new Map([[field.name, neither(oneOf(field.name, [right.text]), false)]])
}

/** A claim's name for `assertion.NAME`, and for what is mapped to it; the text for a constant. */
function claimOf(value: Value, mapping: Mapping): Value | undefined {
  if (value.is !== 'field') return undefined
  if (value.name.startsWith('assertion.')) return { is: 'field', name: value.name.slice('assertion.'.length) }
  const mapped = mapping.get(value.name)
  return mapped?.is === 'text' ? mapped : mapped && claimOf(mapped, new Map())
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}
