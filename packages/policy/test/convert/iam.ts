/** IAM's conditions as its user guide documents them. Written from that, not from the importer. */
import type { Claims } from './jobs.ts'

const seen = [
  'sub',
  'aud',
  'repository_id',
  'repository',
  'ref',
  'environment',
  'actor',
  'actor_id',
  'job_workflow_ref',
  'workflow',
  'enterprise_id',
]
export const provider = 'token.actions.githubusercontent.com'

type Row = Readonly<Record<string, string | readonly string[]>>
interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Row>>
}

/** May a job with these claims assume the role? */
export function iamAllows(document: { readonly Statement: readonly Statement[] }, claims: Claims): boolean {
  return document.Statement.some(
    ({ Effect, Condition = {} }) =>
      Effect === 'Allow' &&
      Object.entries(Condition).every(([operator, row]) =>
        Object.entries(row).every(([key, said]) => holds(operator, key, [said].flat(), claims)),
      ),
  )
}

function holds(operator: string, key: string, values: readonly string[], claims: Claims): boolean {
  const name = key.slice(key.lastIndexOf(':') + 1).toLowerCase()
  const value = key.toLowerCase().startsWith(`${provider}:`) && seen.includes(name) ? claims[name] : undefined
  if (operator === 'Null') return (value === undefined) === (values[0] === 'true')
  const [, set, base = '', ifExists] =
    /^(ForAnyValue:|ForAllValues:)?([A-Za-z]+?)(IfExists)?$/.exec(operator) ?? []
  const negated = base.includes('Not')
  if (value === undefined) {
    if (set === 'ForAnyValue:') return false
    return set === 'ForAllValues:' || ifExists !== undefined || negated
  }
  const found = values.some((wanted) => {
    if (base.endsWith('Like')) return wild(wanted, value)
    return base.endsWith('IgnoreCase') ? wanted.toLowerCase() === value.toLowerCase() : wanted === value
  })
  return found !== negated
}

/** `*` any letters, `?` one. */
function wild(pattern: string, value: string): boolean {
  if (pattern === '') return value === ''
  if (pattern[0] === '*')
    return wild(pattern.slice(1), value) || (value !== '' && wild(pattern, value.slice(1)))
  return (
    value !== '' && (pattern[0] === '?' || pattern[0] === value[0]) && wild(pattern.slice(1), value.slice(1))
  )
}
