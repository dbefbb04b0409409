/**
 * schema/kubernetes: projected service-account tokens. What they say stands inside `kubernetes.io`; here the names are
 * flat. A service account is one within its namespace only: its name alone identifies nobody. The issuer is one
 * cluster, so there are no owners.
 */
import { lettersIn } from '../automaton.ts'
import type { TokenClaims } from '../box.ts'
import { words } from '../glob.ts'
import { type Given, refuse, takeAll, textAt } from './claim-text.ts'
import { audience, claim, joined, optional, short } from './declare.ts'
import { lower, uuid } from './domain.ts'
import type { ClaimParts, ClaimSchema, Intake, IssuerSchema, RefusedClaim } from './schema.ts'

/** RFC 1123 labels and subdomains, as Kubernetes names things. */
const label = words(lettersIn(`${lower}0123456789-`))
const subdomain = words(lettersIn(`${lower}0123456789.-`))

const claims: ReadonlyMap<string, ClaimSchema> = new Map([
  claim('namespace', label),
  claim('service_account', subdomain),
  claim('service_account_uid', uuid, optional),
  claim('pod', subdomain, optional),
  claim('node', subdomain, optional),
])

const places: Readonly<Record<string, readonly string[]>> = {
  namespace: ['namespace'],
  service_account: ['serviceaccount', 'name'],
  service_account_uid: ['serviceaccount', 'uid'],
  pod: ['pod', 'name'],
  node: ['node', 'name'],
}

const refused = new Map<string, RefusedClaim>([
  joined('joins two names', 'use namespace: and service_account:'),
  audience,
])

const parts: ClaimParts = {
  identities: ['namespace', 'service_account_uid'],
  pins: ['service_account', 'service_account_uid'],
  anybodys: new Map(),
}

function intake(given: Given): Intake {
  const taken = takeAll(claims.values(), (name) => textAt(given, ['kubernetes.io', ...(places[name] ?? [])]))
  if (!taken.ok) return taken
  const subject = textAt(given, ['sub'])
  if (subject === undefined || subject === subjectOf(taken.token)) return taken
  return refuse('service_account', 'contradicts sub')
}

function subjectOf(token: TokenClaims): string {
  return `system:serviceaccount:${token.get('namespace')}:${token.get('service_account')}`
}

function present(token: TokenClaims): Readonly<Record<string, unknown>> {
  const about = new Map<string, unknown>()
  const objects = new Map<string, Map<string, string>>()
  for (const [name, value] of token) {
    const [outer = name, inner] = places[name] ?? []
    if (inner === undefined) about.set(outer, value)
    else objects.set(outer, (objects.get(outer) ?? new Map()).set(inner, value))
  }
  for (const [name, members] of objects) about.set(name, Object.fromEntries(members))
  return { 'kubernetes.io': Object.fromEntries(about), sub: subjectOf(token) }
}

export const kubernetes: IssuerSchema = {
  kind: 'kubernetes',
  claims,
  shorthands: new Map([['uid', short('service_account_uid')]]),
  refused,
  profile: [],
  parts,
  intake,
  typical: (said) =>
    new Map([
      ['namespace', 'default'],
      ['service_account', 'default'],
      ['service_account_uid', '00000000-0000-4000-8000-000000000001'],
      ['pod', 'typical'],
      ...said,
    ]),
  present,
}
