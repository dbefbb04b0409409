/** convert/vault: roles of the JWT method as rules: `bound_claims` all hold, of each claim one value; a missing claim fails. */
import { type Asked, allOf, anyRun, either, oneOf, type PatternPart, pattern } from '../bound.ts'
import { Cannot, type Finding } from '../cannot.ts'
import { audienceFinding, type ImportedRule, type Setting } from '../rule.ts'

export interface VaultDocument {
  readonly name: string
  /** The role as `vault read -format=json` has it, or its `data`. */
  readonly role: unknown
  /** The kind of the target and its value, in YAML; absent: a secret of the role's name. */
  readonly target?: string
}

type Fields = Readonly<Record<string, unknown>>

/** Throws `Cannot` for what is not a JWT role. */
export function importVault({ name, role, target }: VaultDocument, setting: Setting): ImportedRule {
  const read = fieldsOf(role)
  const fields = fieldsOf(read?.['data']) ?? read
  if (fields === undefined) throw new Cannot(`${name}: not a role`)
  if (fields['role_type'] !== undefined && fields['role_type'] !== 'jwt')
    throw new Cannot(`${name}: a role of type ${String(fields['role_type'])} is for people, not for jobs`)
  const findings: Finding[] = []
  const tell = (code: string, at: string, message: string, effect: Finding['effect']) =>
    findings.push({ code, at, message, effect })
  const audience = audienceFinding(list(fields['bound_audiences']))
  if (audience !== undefined) findings.push(audience)
  const addresses = ['token_bound_cidrs', 'bound_cidrs'].find((key) => isSaid(fields[key]))
  if (addresses !== undefined)
    tell('addresses', addresses, 'a policy does not look at addresses; the role did', 'left out')
  const asked = addresses === undefined ? askedOf(fields, tell) : undefined
  for (const [claim, key] of Object.entries(fieldsOf(fields['claim_mappings']) ?? {}))
    tell(
      'claim-mapping',
      claim,
      `\`${String(key)}\` may stand in templates of Vault's policies; a target here takes {repo.id} and {environment} only`,
      'note',
    )
  const ttl = lifetimeOf(fields)
  if (ttl === undefined)
    tell('no-lifetime', 'token_ttl', 'the role says no lifetime; the policy says an hour', 'narrowed')
  return {
    name: name.replaceAll(/[^A-Za-z0-9._-]/g, '-'),
    access: setting.access,
    accessFromKind: false,
    target: target ?? `secret: ${JSON.stringify(name)}`,
    seconds: Math.min(ttl ?? 3600, 3600),
    alternatives: asked === undefined ? [] : [asked],
    findings,
  }
}

/** Seconds; renewals reach the most that the role allows, and nothing reaches beyond the explicit one. */
function lifetimeOf(fields: Fields): number | undefined {
  const given = (key: string) => seconds(key, fields[key])
  const renewed = [given('token_max_ttl'), given('token_ttl')].find((each) => each > 0)
  const all = [renewed ?? 0, given('token_explicit_max_ttl')].filter((each) => each > 0)
  return all.length === 0 ? undefined : Math.min(...all)
}

function askedOf(
  fields: Fields,
  tell: (code: string, at: string, message: string, effect: Finding['effect']) => void,
): Asked | undefined {
  let asked: Asked = new Map()
  const subject = fields['bound_subject'] ?? ''
  const claims = fieldsOf(fields['bound_claims'] ?? {})
  // To take what cannot be read for no condition would widen the rule.
  if (typeof subject !== 'string') throw new Cannot('not a role: `bound_subject` is a text')
  if (claims === undefined) throw new Cannot('not a role: `bound_claims` is a map')
  if (subject !== '') asked = allOf(asked, new Map([['sub', oneOf('sub', [subject])]]))
  const globs = fields['bound_claims_type'] === 'glob'
  for (const [claim, said] of Object.entries(claims)) {
    const values = list(said)
    const name = claim.replace(/^\//, '')
    if (values === undefined || values.length === 0 || name.includes('/')) {
      tell('claim-not-understood', claim, 'values of a claim are texts', 'left out')
      return undefined
    }
    if (globs && values.includes('*')) tell('any-value', claim, '`*` is every value', 'note')
    if (!globs && values.some((value) => value.includes('*')))
      tell(
        'star-without-glob',
        claim,
        '`*` is a letter here: the role is not of type glob, and lets nobody in by it',
        'note',
      )
    const bound = globs ? either(values.map((value) => pattern(name, globParts(value)))) : oneOf(name, values)
    asked = allOf(asked, new Map([[name, bound]]))
  }
  return asked
}

function globParts(value: string): readonly PatternPart[] {
  return value
    .split(/(\*)/)
    .filter((part) => part !== '')
    .map((part): PatternPart => (part === '*' ? anyRun : part))
}

function isSaid(value: unknown): boolean {
  return (
    value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
  )
}

/** Texts, numbers and booleans as Vault compares them with a claim that is text. */
function list(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  return items.every((item) => typeof item === 'string') ? items : undefined
}

/** `900`, `"15m"`, `"1h30m"`; 0 = it is not said. */
function seconds(key: string, value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value === '') return 0
  if (/^[0-9]+$/.test(value)) return Number(value)
  if (!/^(?:[0-9]+[dhms])+$/.test(value)) throw new Cannot(`\`${key}\` is no lifetime: \`${value}\``)
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
  return [...value.matchAll(/([0-9]+)([smhd])/g)].reduce(
    (sum, [, count, unit = 's']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  )
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}
