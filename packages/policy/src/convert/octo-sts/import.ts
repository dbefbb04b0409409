/**
 * convert/octo-sts: trust policies (`.github/chainguard/NAME.sts.yaml`) as rules. Patterns are RE2 over the whole text; what
 * is read of them are texts, dots, runs and alternatives. Anything else leaves the rule out.
 */
import { parse } from 'yaml'
import { type Asked, allOf, either, oneOf, pattern } from '../bound.ts'
import { Cannot, type Finding } from '../cannot.ts'
import { audienceFinding, type ImportedRule } from '../rule.ts'
import { readPatterns } from './patterns.ts'

export interface OctoDocument {
  /** The file's name without `.sts.yaml`. */
  readonly name: string
  /** The file: YAML. */
  readonly text: string
  /** `OWNER/NAME` of the repository that it opens, unless it lists `repositories`. */
  readonly repository?: string
  readonly owner?: string
}

const github = 'https://token.actions.githubusercontent.com'
const known = [
  'issuer',
  'issuer_pattern',
  'subject',
  'subject_pattern',
  'audience',
  'audience_pattern',
  'claim_pattern',
  'permissions',
  'repositories',
  'app',
  'app_pattern',
]

/** `app` names the connection of the target. Throws `Cannot` for a file that is not a trust policy of GitHub's jobs. */
export function importOctoSts(source: OctoDocument, app: string): ImportedRule {
  const { name } = source
  const fields = fieldsOf(yamlOf(source))
  const unknown = Object.keys(fields ?? {}).find((key) => !known.includes(key))
  if (fields === undefined || unknown !== undefined)
    throw new Cannot(`${name}: not a trust policy${unknown === undefined ? '' : `: \`${unknown}\``}`)
  const findings: Finding[] = []
  const tell = (code: string, at: string, message: string, effect: Finding['effect']) =>
    findings.push({ code, at, message, effect })
  issuer(fields, name, tell)
  const audience = fields['audience'] ?? fields['audience_pattern']
  if (audience !== undefined) {
    const found = audienceFinding([String(audience)])
    if (found !== undefined) findings.push(found)
  }
  const asked = askedOf(fields, tell)
  const permissions = Object.entries(fieldsOf(fields['permissions']) ?? {}).map(
    ([key, value]) => [key, String(value)] as const,
  )
  const target = `github_app: { app: ${JSON.stringify(String(fields['app'] ?? app))}, repos: [${repositories(
    fields,
    source,
  )
    .map((repo) => JSON.stringify(repo))
    .join(', ')}], permissions: { ${permissions.map(([key, value]) => `${key}: ${value}`).join(', ')} } }`
  if (
    permissions.length === 0 ||
    permissions.some(([key, value]) => !/^[a-z_]+$/.test(key) || !/^(?:read|write|admin)$/.test(value))
  )
    throw new Cannot(`${name}: its permissions are not read, write or admin`)
  const access = permissions.every(([, value]) => value === 'read') ? 'read' : 'write'
  return {
    name: name.replaceAll(/[^A-Za-z0-9._-]/g, '-'),
    access,
    accessFromKind: true,
    target,
    seconds: 3600,
    alternatives: asked === undefined ? [] : [asked],
    findings,
  }
}

type Fields = Readonly<Record<string, unknown>>
type Tell = (code: string, at: string, message: string, effect: Finding['effect']) => void

function issuer(fields: Fields, name: string, tell: Tell): void {
  const pattern = fields['issuer_pattern']
  if (
    pattern === undefined
      ? fields['issuer'] === github
      : readPatterns(String(pattern))?.some((parts) => parts.length === 1 && parts[0] === github)
  )
    return
  if (pattern === undefined)
    throw new Cannot(`${name}: its issuer is ${String(fields['issuer'])}; only ${github} is imported`)
  if (!/actions\W*githubusercontent|^\W*\.[*+]/.test(String(pattern)))
    throw new Cannot(`${name}: its issuer is ${String(pattern)}`)
  tell(
    'any-issuer',
    String(pattern),
    'other issuers match too: whoever runs one writes any `sub`; the policy takes GitHub',
    'narrowed',
  )
}

/** Whole organisation: a policy names repositories. */
function repositories(fields: Fields, { name, repository, owner }: OctoDocument): readonly string[] {
  const listed = Array.isArray(fields['repositories']) ? fields['repositories'].map(String) : []
  if (listed.length > 0 && owner !== undefined)
    return listed.map((each) => (each.includes('/') ? each : `${owner}/${each}`))
  if (repository !== undefined && listed.length === 0) return [repository]
  throw new Cannot(`${name}: which repository does it open? Say --repository OWNER/NAME`)
}

function askedOf(fields: Fields, tell: Tell): Asked | undefined {
  let asked: Asked = new Map()
  const add = (claim: string, regular: unknown): boolean => {
    const source = String(regular)
    const patterns = readPatterns(source)
    if (patterns === undefined) {
      tell(
        'pattern-not-understood',
        source,
        'a regular expression that has no words in a policy; write what it means',
        'left out',
      )
      return false
    }
    if (patterns.some((parts) => parts.some((part) => typeof part !== 'string')))
      tell('wildcard', source, 'a wildcard also matches what nobody thought of', 'note')
    if (/(?<!\\)\.(?![*+?{])/.test(source))
      tell('dot', source, 'a dot that is not escaped is any letter; the policy takes it as a dot', 'narrowed')
    if (/(?<!\\)\|/.test(source.replaceAll(/\([^()]*\)/g, '')))
      tell(
        'alternatives',
        source,
        'alternatives beside anchors were matched at one end only by older versions',
        'note',
      )
    asked = allOf(asked, new Map([[claim, either(patterns.map((parts) => pattern(claim, parts)))]]))
    return true
  }
  if (typeof fields['subject'] === 'string')
    asked = allOf(asked, new Map([['sub', oneOf('sub', [fields['subject']])]]))
  else if (fields['subject_pattern'] === undefined || !add('sub', fields['subject_pattern'])) return undefined
  for (const [claim, regular] of Object.entries(fieldsOf(fields['claim_pattern']) ?? {}))
    if (!add(claim, regular)) return undefined
  return asked
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

function yamlOf({ name, text }: OctoDocument): unknown {
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (thrown) {
    throw new Cannot(
      `${name}: ${thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : 'not YAML'}`,
    )
  }
}
