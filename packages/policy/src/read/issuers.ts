/** issuers: whose tokens a policy speaks of, and the organisations outside of which nothing is granted. */
import { has } from '../lang.ts'
import { didYouMean } from '../nearest.ts'
import type { PolicyIssuer } from '../policy.ts'
import { foldAscii } from '../schema/fold.ts'
import { github } from '../schema/github.ts'
import type { IssuerSchema } from '../schema/schema.ts'
import type { Faults } from './faults.ts'
import { type Lock, notLocked } from './lock.ts'
import { fields, listOf, mapOf, textOf } from './shape.ts'
import type { Entry } from './tree.ts'

const schemas: ReadonlyMap<string, IssuerSchema> = new Map([['github', github]])

export function readIssuer(entry: Entry, lock: Lock, faults: Faults): PolicyIssuer | undefined {
  const map = mapOf(entry.value, `issuer \`${entry.key}\``, faults)
  const kind = map?.entries.find(({ key }) => key === 'kind')
  const schema = kind === undefined ? schemaOf(entry.key, entry, faults) : kindOf(kind, faults)
  if (map === undefined || schema === undefined) return undefined
  const { tenant } = schema.parts
  const known = ['kind', ...(tenant ? ['owners'] : []), ...(schema.properties ? ['properties'] : []), 'host']
  const keys = fields(map, known, faults)
  const host = keys.get('host')
  // An author who writes it expects tokens of another host to be refused; nothing here would.
  if (host !== undefined) {
    const hint = 'remove `host`: the issuers of the server configuration say whose tokens are verified'
    faults.error('P036', host.place, '`host` is not honoured in this version', hint)
  }
  const properties = keys.get('properties')
  const names = properties === undefined ? [] : textsOf(properties, faults)
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

function textsOf(entry: Entry, faults: Faults): readonly string[] {
  const items = listOf(entry.value, `\`${entry.key}\``, faults)?.items ?? []
  return items.map((item) => textOf(item, 'a property', faults)).filter((text) => text !== undefined)
}
