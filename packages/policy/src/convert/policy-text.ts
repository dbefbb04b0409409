/** policy-text: grants in the words and the layout in which a person would write them. */
import { github } from '../schema/github.ts'
import type { ImportedRule, Setting } from './rule.ts'
import { ownerName, type Want, type Wanted } from './wanted.ts'

export interface WrittenGrant {
  readonly name: string
  readonly rule: ImportedRule
  readonly wanted: Wanted
}

/** A policy of these grants and their targets, for these owners. */
export function policyText(
  grants: readonly WrittenGrant[],
  owners: readonly string[],
  { tier }: Setting,
): string {
  const properties = [
    ...new Set(
      grants.flatMap(({ wanted }) =>
        [...wanted.keys()].filter((key) => key.startsWith('repo_property_')).map((key) => key.slice(14)),
      ),
    ),
  ]
  const rules = [...new Set(grants.map(({ rule }) => rule))]
  const declared = properties.length === 0 ? '' : `, properties: ${list(properties)}`
  return [
    'version: 1',
    'issuers:',
    `  github: { owners: ${list(owners)}${declared} }`,
    'targets:',
    ...rules.map(
      ({ name, target, access, accessFromKind, seconds }) =>
        `  ${text(name)}: { tier: ${text(tier)}, ${accessFromKind ? '' : `access: ${access}, `}max: ${seconds}s, ${target} }`,
    ),
    'grants:',
    ...grants.flatMap(({ name, rule, wanted }) => [
      `  - name: ${text(name)}`,
      `    who: { ${conditions(wanted)} }`,
      `    get: ${text(rule.name)}`,
      `    for: ${rule.seconds}s`,
    ]),
    '',
  ].join('\n')
}

function conditions(wanted: Wanted): string {
  const workflow = [...wanted].filter(([key]) => key.startsWith('workflow.'))
  const plain = [...wanted]
    .filter(([key]) => key !== ownerName && !key.startsWith('workflow.'))
    .map(([key, want]) => condition(key, want))
  const parts = workflow.map(([key, want]) => `${key.slice('workflow.'.length)}: ${matcher(key, want)}`)
  return [...plain, ...(parts.length === 0 ? [] : [`workflow: { ${parts.join(', ')} }`])].join(', ')
}

/** `branch: main` for `ref: refs/heads/main`. */
function condition(key: string, want: Want): string {
  if (key === 'ref' && 'values' in want) {
    if (want.but !== undefined) {
      const { but, ...like } = want
      return `${condition(key, like)}, ${like.values.every((value) => value.startsWith('refs/')) ? 'ref' : 'branch'}: { not: ${list(but)}, or_absent: false }`
    }
    for (const [word, prefix] of [
      ['branch', 'refs/heads/'],
      ['tag', 'refs/tags/'],
    ] as const) {
      if (want.values.every((value) => value.startsWith(prefix)))
        return `${word}: ${matcher(key, { ...want, values: want.values.map((value) => value.slice(prefix.length)) })}`
    }
  }
  return `${key === 'event_name' ? 'event' : key}: ${matcher(key, want)}`
}

function matcher(key: string, want: Want): string {
  if (!('values' in want)) return `{ ${want.is}: true }`
  const value = (each: string) =>
    /_id$/.test(key) || (key === 'ref_protected' && /^(?:true|false)$/.test(each)) ? each : text(each)
  const [only = '', second] = want.values
  const values = second === undefined ? value(only) : `[${want.values.map(value).join(', ')}]`
  const missing = want.orAbsent === true
  if (want.is === 'exact' && !missing) return values
  const optional = missing ? ', or_absent: true' : ''
  const maybe = github.claims.get(key)?.optional === true || key.startsWith('repo_property_')
  if (want.is === 'exact') return `{ like: ${values}${optional} }`
  const patterned = want.is === 'not' && want.values.some((each) => each.includes('*'))
  return `{ ${want.is}: ${patterned ? `{ like: ${values} }` : values}${want.is === 'not' && !missing && maybe ? ', or_absent: false' : optional} }`
}

function list(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`
}

/** Quoted unless it is a plain word; JSON's quotes are YAML's. */
export function text(value: string): string {
  return /^[A-Za-z][A-Za-z0-9._/-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value)
}
