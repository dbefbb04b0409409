/** issuers: whose tokens a policy speaks of, and the organisations outside of which nothing is granted. */
import { has } from '../lang.ts'
import { didYouMean } from '../nearest.ts'
import type { PolicyIssuer } from '../policy.ts'
import { auth0 } from '../schema/auth0.ts'
import { buildkite } from '../schema/buildkite.ts'
import { circleci } from '../schema/circleci.ts'
import { foldAscii } from '../schema/fold.ts'
import { github } from '../schema/github.ts'
import { gitlab } from '../schema/gitlab.ts'
import { kubernetes } from '../schema/kubernetes.ts'
import { memberName, valuesOfList } from '../schema/list-claims.ts'
import { oidc } from '../schema/oidc.ts'
import type { IssuerSchema } from '../schema/schema.ts'
import { terraform } from '../schema/terraform.ts'
import type { Faults } from './faults.ts'
import { type Lock, notLocked } from './lock.ts'
import { fields, listOf, mapOf, textOf } from './shape.ts'
import type { Entry, MapTree } from './tree.ts'

/** Every kind of issuer that policies know. */
export const schemas: ReadonlyMap<string, IssuerSchema> = new Map(
  [github, gitlab, buildkite, circleci, kubernetes, terraform, auth0, oidc].map((schema) => [
    schema.kind,
    schema,
  ]),
)

export function readIssuer(entry: Entry, lock: Lock, faults: Faults): PolicyIssuer | undefined {
  const map = mapOf(entry.value, `issuer \`${entry.key}\``, faults)
  const kind = map?.entries.find(({ key }) => key === 'kind')
  const schema = kind === undefined ? schemaOf(entry.key, entry, faults) : kindOf(kind, faults)
  if (map === undefined || schema === undefined) return undefined
  const { tenant } = schema.parts
  const known = [
    'kind',
    ...(tenant ? ['owners'] : []),
    ...(schema.properties ? [schema.properties.key] : []),
    'host',
  ]
  const keys = fields(map, known, faults)
  const host = keys.get('host')
  // An author who writes it expects tokens of another host to be refused; nothing here would.
  if (host !== undefined) {
    const hint = 'remove `host`: the issuers of the server configuration say whose tokens are verified'
    faults.error('P036', host.place, '`host` is not honoured in this version', hint)
  }
  const names = declaredNames(entry, keys.get(schema.properties?.key ?? ''), schema, faults)
  const tenants = tenant ? readTenants(entry, keys.get('owners'), schema, lock, faults) : new Map()
  return { name: entry.key, schema, properties: names, tenants }
}

function kindOf(kind: Entry, faults: Faults): IssuerSchema | undefined {
  const name = textOf(kind.value, '`kind`', faults)
  return name === undefined ? undefined : schemaOf(name, { ...kind, place: kind.value.place }, faults)
}

function schemaOf(kind: string, { place }: Entry, faults: Faults): IssuerSchema | undefined {
  const schema = schemas.get(kind)
  if (schema === undefined) {
    const hint = didYouMean(kind, schemas.keys()) ?? `known: ${[...schemas.keys()].join(', ')}`
    faults.error('P001', place, `unknown issuer \`${kind}\``, hint)
  }
  return schema
}

function readTenants(
  issuer: Entry,
  entry: Entry | undefined,
  { parts, claims }: IssuerSchema,
  lock: Lock,
  faults: Faults,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  if (entry === undefined || (entry.value.is === 'list' && entry.value.items.length === 0)) {
    const message = `issuer \`${issuer.key}\` is shared by everybody and names no owners`
    faults.error('P008', entry?.place ?? issuer.place, message, 'add owners: [your-organisation]')
    return found
  }
  const section = parts.tenant?.section
  for (const item of listOf(entry.value, '`owners`', faults)?.items ?? []) {
    // Ids are digits, which YAML reads as numbers.
    const name = item.is === 'number' && section === undefined ? item.text : textOf(item, 'an owner', faults)
    if (name === undefined) continue
    if (section !== undefined) {
      const id = lock[section].get(foldAscii(name))
      if (id !== undefined) found.set(foldAscii(name), id)
      else {
        const hint = didYouMean(name, lock[section].keys()) ?? 'run `mayfly policy lock`'
        faults.error('P013', item.place, notLocked(name, section), hint)
      }
      continue
    }
    const claim = claims.get(parts.tenant?.claim ?? '')
    const value = claim?.folded ? foldAscii(name) : name
    if (claim !== undefined && has(claim.domain, value)) found.set(value, value)
    else faults.error('P006', item.place, `\`${name}\` can never be a value of \`${claim?.name}\``)
  }
  return found
}

/** Keys of conditions that can be no claim's. */
const reserved = ['use', 'issuer']

/** Claims that the policy declares: of a kind that has no others there must be one. */
function declaredNames(
  issuer: Entry,
  entry: Entry | undefined,
  { properties, refused, claims }: IssuerSchema,
  faults: Faults,
): readonly string[] {
  if (entry === undefined) {
    if (properties !== undefined && claims.size === 0) {
      const message = `issuer \`${issuer.key}\` declares no claims, so no rule could speak of it`
      faults.error('P032', issuer.place, message, 'add claims: [sub, ...]')
    }
    return []
  }
  const names = (listOf(entry.value, `\`${entry.key}\``, faults)?.items ?? []).flatMap((item) => {
    if (item.is === 'map' && entry.key === 'claims') return declaredLists(item, refused, faults)
    const name = textOf(item, entry.key === 'claims' ? 'a claim' : 'a property', faults)
    if (name === undefined || properties === undefined) return []
    const fault = refused.get(properties.prefix + name)
    if (fault !== undefined) faults.error(fault.code, item.place, fault.message, fault.hint)
    else if (reserved.includes(properties.prefix + name))
      faults.error('P022', item.place, `\`${name}\` is a word of the language and can be no claim`)
    else if (/[[\]]/.test(name)) faults.error('P022', item.place, `\`${name}\` has brackets`, listHint)
    return [name]
  })
  const twice = names.find(
    (name, at) => names.indexOf(name) !== at || valuesOfList(names, name) !== undefined,
  )
  if (twice !== undefined) faults.error('P022', entry.value.place, `\`${twice}\` is declared twice`)
  if (names.length === 0) faults.error('P022', entry.value.place, `the list of \`${entry.key}\` is empty`)
  return names
}

const listHint = 'a claim that is a list is written { groups: [admins, staff] }'

/** `{ groups: [admins, staff] }`: the values of a list that rules may speak of. */
function declaredLists(map: MapTree, refused: IssuerSchema['refused'], faults: Faults): readonly string[] {
  return map.entries.flatMap(({ key: list, place, value }) => {
    const fault = refused.get(list)
    if (fault !== undefined) faults.error(fault.code, place, fault.message, fault.hint)
    else if (list === '' || reserved.includes(list) || /[[\]]/.test(list))
      faults.error('P022', place, `\`${list}\` can be no claim`, listHint)
    const values = (listOf(value, `\`${list}\``, faults)?.items ?? []).map((item) =>
      textOf(item, 'a value', faults),
    )
    if (values.length === 0) faults.error('P022', value.place, `\`${list}\` declares no values`, listHint)
    return values.filter((each) => each !== undefined).map((each) => memberName({ list, value: each }))
  })
}
