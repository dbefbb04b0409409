/** issuers: whose tokens a policy speaks of, and the organisations outside of which nothing is granted. */
import { didYouMean } from '../nearest.ts'
import type { PolicyIssuer } from '../policy.ts'
import { foldAscii } from '../schema/fold.ts'
import { github } from '../schema/github.ts'
import type { IssuerSchema } from '../schema/schema.ts'
import type { Faults } from './faults.ts'
import type { Lock } from './lock.ts'
import { fields, listOf, mapOf, textOf } from './shape.ts'
import type { Entry } from './tree.ts'

const schemas: ReadonlyMap<string, IssuerSchema> = new Map([['github', github]])

export interface ReadIssuer {
  readonly issuer: PolicyIssuer
  /** Name to id. */
  readonly owners: ReadonlyMap<string, string>
}

export function readIssuer(entry: Entry, lock: Lock, faults: Faults): ReadIssuer | undefined {
  const schema = schemas.get(entry.key)
  if (schema === undefined) {
    const hint = didYouMean(entry.key, schemas.keys()) ?? `known: ${[...schemas.keys()].join(', ')}`
    faults.error('P001', entry.place, `unknown issuer \`${entry.key}\``, hint)
    return undefined
  }
  const map = mapOf(entry.value, `issuer \`${entry.key}\``, faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['owners', 'properties', 'host'], faults)
  const host = keys.get('host')
  // An author who writes it expects tokens of another host to be refused; nothing here would.
  if (host !== undefined) {
    const hint = 'remove `host`: the issuers of the server configuration say whose tokens are verified'
    faults.error('P036', host.place, '`host` is not honoured in this version', hint)
  }
  const properties = keys.get('properties')
  const names = properties === undefined ? [] : textsOf(properties, faults)
  const owners = readOwners(entry, keys.get('owners'), lock, faults)
  return { issuer: { name: entry.key, schema, properties: names }, owners }
}

function readOwners(
  issuer: Entry,
  entry: Entry | undefined,
  lock: Lock,
  faults: Faults,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  if (entry === undefined || (entry.value.is === 'list' && entry.value.items.length === 0)) {
    const message = `issuer \`${issuer.key}\` is shared by everybody and names no owners`
    faults.error('P008', entry?.place ?? issuer.place, message, 'add owners: [your-organisation]')
    return found
  }
  for (const item of listOf(entry.value, '`owners`', faults)?.items ?? []) {
    const name = textOf(item, 'an owner', faults)
    if (name === undefined) continue
    const id = lock.owners.get(foldAscii(name))
    if (id !== undefined) found.set(foldAscii(name), id)
    else {
      const hint = didYouMean(name, lock.owners.keys()) ?? 'add its id to `policy.lock.yaml`'
      faults.error('P013', item.place, `\`${name}\` is not in the lock's \`owners\``, hint)
    }
  }
  return found
}

function textsOf(entry: Entry, faults: Faults): readonly string[] {
  const items = listOf(entry.value, `\`${entry.key}\``, faults)?.items ?? []
  return items.map((item) => textOf(item, 'a property', faults)).filter((text) => text !== undefined)
}
