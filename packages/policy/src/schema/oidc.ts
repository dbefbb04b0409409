/**
 * schema/oidc: any other OpenID Connect issuer that is ours alone. Only claims that the policy declares exist, all of
 * them text that respects case and may be missing, or lists of such text. Nothing is known here about events, refs or runners, so nothing
 * is found dangerous: an issuer that many share needs a schema of its own.
 */
import { someText } from '../glob.ts'
import { type Given, refuse, takeAll, textOf } from './claim-text.ts'
import { audience, claim, optional, provesNothing } from './declare.ts'
import {
  type DeclaredList,
  gatherMembers,
  listsAmong,
  memberClaim,
  memberIn,
  withLists,
} from './list-claims.ts'
import type { ClaimSchema, Intake, IssuerSchema, RefusedClaim } from './schema.ts'

const times = ['iss', 'exp', 'iat', 'nbf', 'jti'].map((name) =>
  provesNothing(name, 'is checked by the broker itself', 'name a claim that says who asks'),
)

const declared = (name: string): ClaimSchema =>
  memberIn(name) === undefined ? claim(name, someText, optional)[1] : memberClaim(name)

/** What a policy declares, as it is asked of every token: worked out once. */
interface Declared {
  readonly claims: readonly ClaimSchema[]
  readonly lists: readonly DeclaredList[]
}

const known = new WeakMap<readonly string[], Declared>()

function declaredBy(names: readonly string[]): Declared {
  const found = known.get(names) ?? { claims: names.map(declared), lists: listsAmong(names) }
  known.set(names, found)
  return found
}

function intake(given: Given, names: readonly string[]): Intake {
  const { claims, lists } = declaredBy(names)
  if (lists.length === 0) return takeAll(claims, (name) => textOf(given, name))
  const had = new Set<string>()
  for (const list of lists) {
    if (!gatherMembers(given, list, had)) return refuse(list.name, 'is not a list of texts')
  }
  return takeAll(claims, (name) => {
    if (memberIn(name) === undefined) return textOf(given, name)
    return had.has(name) ? 'true' : undefined
  })
}

export const oidc: IssuerSchema = {
  kind: 'oidc',
  claims: new Map(),
  properties: { key: 'claims', prefix: '', claim: declared },
  shorthands: new Map(),
  refused: new Map<string, RefusedClaim>([audience, ...times]),
  profile: [],
  parts: { identities: [], pins: [], anybodys: new Map() },
  intake,
  typical: (said) => new Map(said),
  present: withLists,
}
