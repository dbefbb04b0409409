/** targets: what can be given. Each has a tier, an access, a longest lifetime and exactly one kind. */
import type { Access, Json, PolicyTarget, Recording } from '../policy.ts'
import type { Place } from '../problem.ts'
import { readBudget } from './budget.ts'
import type { Faults } from './faults.ts'
import { accessNames, greatest, type TargetKind, targetKinds } from './kinds.ts'
import { readHeld, readListed, withoutListed } from './listed.ts'
import { requestListing } from './requests.ts'
import { readSettings } from './settings.ts'
import { durationOf, fields, mapOf, textOf } from './shape.ts'
import { statementListing } from './statements.ts'
import type { Entry, Tree } from './tree.ts'

const DEFAULT_MAX = 3600

export function readTarget(entry: Entry, faults: Faults): PolicyTarget | undefined {
  const { key: name, place, value } = entry
  if (!/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}$/.test(name)) {
    faults.error('P029', place, `\`${name}\` is not a target's name`, 'use letters, digits and . _ : / -')
    return undefined
  }
  const map = mapOf(value, `target \`${name}\``, faults)
  if (map === undefined) return undefined
  const keys = fields(map, ['tier', 'access', 'max', 'record', 'budget', ...targetKinds.keys()], faults)
  const [kindEntry, second] = map.entries.filter(({ key }) => targetKinds.has(key))
  const kind = targetKinds.get(kindEntry?.key ?? '')
  if (kindEntry === undefined || kind === undefined || second !== undefined) {
    const hint = `one of ${[...targetKinds.keys()].join(', ')}`
    faults.error('P026', second?.place ?? place, `target \`${name}\` needs exactly one kind`, hint)
    return undefined
  }
  const tier = readTier(keys.get('tier'), entry, faults)
  const max = keys.get('max')
  const maxSeconds = max === undefined ? DEFAULT_MAX : durationOf(max.value, faults)
  const listed = readLists(kindEntry, kind, faults)
  if (listed === undefined) return undefined
  const plain = kind.lists === undefined ? kindEntry : { ...kindEntry, value: withoutListed(kindEntry.value) }
  const settings = readSettings(plain, kind, faults)
  const scopes = kind.scopes
    ? readScopes(plain.value, kindEntry.key === 'github_app', faults)
    : new Map<string, Access | undefined>()
  if (settings === undefined || scopes === undefined) return undefined
  const record = readRecording(keys.get('record'), kind, faults)
  const budget = readBudget(keys.get('budget'), kind, faults)
  const access = readAccess(entry, keys.get('access'), kindEntry.key, settings, scopes, faults)
  if (tier === undefined || maxSeconds === undefined || access === undefined) return undefined
  return {
    name,
    tier,
    access,
    maxSeconds,
    kind: kindEntry.key,
    settings: plainScopes(settings, kind, [...scopes.keys()]),
    scopes: new Map([...scopes].map(([scope, own]) => [scope, own ?? access])),
    ...(record === undefined ? {} : { record }),
    ...(budget === undefined ? {} : { budget }),
    ...listed,
    place,
    ...audienceOf(settings, kind),
  }
}

/** What its scopes let through at a route, where they say it. */
function readLists(
  entry: Entry,
  { lists }: TargetKind,
  faults: Faults,
): Pick<PolicyTarget, 'requests' | 'held' | 'statements'> | undefined {
  const scopes = scopesOf(entry.value)
  if (lists === 'requests') {
    const requests = readListed(requestListing, scopes, faults)
    const held = readHeld(scopes, faults)
    return requests && (requests.size === 0 ? {} : { requests, ...(held.size === 0 ? {} : { held }) })
  }
  if (lists === undefined || scopes === undefined) return {}
  const statements = readListed(statementListing, scopes, faults)
  if (statements === undefined) return undefined
  // Without an audience the job has the role's password, and nobody looks at its statements.
  const byRoute = entry.value.is === 'map' && entry.value.entries.some(({ key }) => key === 'audience')
  if (statements.size > 0 && byRoute) return { statements }
  const message = byRoute
    ? '`scopes` list no statements'
    : '`scopes` list statements, and there is no `audience`'
  faults.error(
    'P043',
    scopes.place,
    message,
    byRoute
      ? 'write { access: read, statements: [SELECT shop.orders] } for each'
      : 'add `audience`: the statements of a token are looked at, those of a password are not',
  )
  return undefined
}

function readTier(entry: Entry | undefined, target: Entry, faults: Faults): string | undefined {
  if (entry !== undefined) return textOf(entry.value, '`tier`', faults)
  faults.error(
    'P026',
    target.place,
    `target \`${target.key}\` has no tier`,
    'add tier: production, staging, ...',
  )
  return undefined
}

const recordings: readonly Recording[] = ['refusals', 'best_effort', 'required']

/** Where no route carries anything the word would promise what nobody does. */
function readRecording(
  entry: Entry | undefined,
  { lists }: TargetKind,
  faults: Faults,
): Recording | undefined {
  if (entry === undefined) return undefined
  const { value, place } = entry
  const found = value.is === 'text' ? recordings.find((name) => name === value.text) : undefined
  if (found === undefined) faults.error('P026', value.place, '`record` is required, best_effort or refusals')
  else if (lists === undefined)
    faults.error('P026', place, 'no route carries requests of this kind of target', 'leave `record` out')
  return found
}

function scopesOf(value: Tree): Tree | undefined {
  return value.is === 'map' ? value.entries.find(({ key }) => key === 'scopes')?.value : undefined
}

/** `scopes: [a, b]`, or `scopes: { a: read, b: write }`. */
function readScopes(
  value: Tree,
  byName: boolean,
  faults: Faults,
): ReadonlyMap<string, Access | undefined> | undefined {
  const tree = scopesOf(value)
  const scopes = new Map<string, Access | undefined>()
  if (tree === undefined) return scopes
  if (tree.is !== 'map' && tree.is !== 'list') {
    faults.error('P022', tree.place, '`scopes` is a list, or a map of scope to access')
    return undefined
  }
  const items = tree.is === 'list' ? tree.items : tree.entries
  for (const item of items) {
    const name = 'key' in item ? item.key : textOf(item, 'a scope', faults)
    if (name === undefined) return undefined
    // RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
    if (!/^[!#-[\]-~]+$/.test(name)) {
      faults.error('P029', item.place, `\`${name}\` is not a scope (RFC 6749 3.3)`)
      return undefined
    }
    if (scopes.has(name)) faults.error('P022', item.place, `duplicate scope \`${name}\``)
    const said = 'key' in item ? accessOf(item.value, faults) : undefined
    scopes.set(name, byName ? accessByName(name, said, item.place, faults) : said)
  }
  return scopes
}

/** GitHub's scopes say their access themselves, `contents:write`: a policy that says less would mislead its guardrails. */
function accessByName(
  name: string,
  said: Access | undefined,
  place: Place,
  faults: Faults,
): Access | undefined {
  const own = accessNames.find((access) => name.endsWith(`:${access}`))
  if (own === undefined || said === undefined || said === own) return own ?? said
  faults.error(
    'P026',
    place,
    `scope \`${name}\` gives ${own}, not ${said}`,
    'leave the access out: the name says it',
  )
  return own
}

function accessOf(tree: Tree, faults: Faults): Access | undefined {
  const found = tree.is === 'text' ? accessNames.find((name) => name === tree.text) : undefined
  if (found === undefined) faults.error('P026', tree.place, '`access` is read, write or admin')
  return found
}

function readAccess(
  target: Entry,
  said: Entry | undefined,
  kind: string,
  settings: Json,
  scopes: ReadonlyMap<string, Access | undefined>,
  faults: Faults,
): Access | undefined {
  const byScope = [...scopes.values()].filter((access) => access !== undefined)
  const derived =
    kind === 'github_app' ? permissionsAccess(settings) : byScope.length > 0 ? greatest(byScope) : undefined
  if (said === undefined) {
    if (derived !== undefined) return derived
    faults.error(
      'P026',
      target.place,
      `target \`${target.key}\` has no access`,
      'add access: read, write or admin',
    )
    return undefined
  }
  if (derived === undefined) return accessOf(said.value, faults)
  const from = kind === 'github_app' ? 'permissions' : 'scopes'
  faults.error(
    'P026',
    said.place,
    `the access of \`${target.key}\` comes from its ${from}`,
    'leave `access` out',
  )
  return undefined
}

/** GitHub's permissions are none, read, write and, for some, admin. */
function permissionsAccess(settings: Json): Access {
  const permissions = member(settings, 'permissions')
  const values: readonly Json[] = Object.values(
    typeof permissions === 'object' && permissions !== null ? permissions : {},
  )
  if (values.some((value) => value === 'admin') || member(permissions ?? null, 'administration') === 'write')
    return 'admin'
  return values.every((value) => value === 'read') ? 'read' : 'write'
}

function member(json: Json, key: string): Json | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json) || !Object.hasOwn(json, key))
    return undefined
  return (json as { readonly [key: string]: Json })[key]
}

/** Issuing does not care how scopes were grouped by access. */
function plainScopes(settings: Json, kind: TargetKind, scopes: readonly string[]): Json {
  if (!kind.scopes || typeof settings !== 'object' || settings === null || Array.isArray(settings))
    return settings
  return { ...settings, scopes }
}

function audienceOf(settings: Json, kind: TargetKind): { readonly audience?: string } {
  const audience = kind.audience ? member(settings, 'audience') : undefined
  return typeof audience === 'string' ? { audience } : {}
}
