/**
 * schema/oidc: any other OpenID Connect issuer that is ours alone. Only claims that the policy declares exist, all of
 * them text that respects case and may be missing, or lists of such text. Nothing is known here about events, refs or runners, so nothing
 * is found dangerous: an issuer that many share needs a schema of its own.
 */
import { someText } from '../glob.ts'
import { type Given, refuse, takeAll, textOf } from './claim-text.ts'
import { audience, claim, optional, provesNothing } from './declare.ts'
import { memberClaim, memberIn, memberOf, withLists } from './list-claims.ts'
import type { ClaimSchema, Intake, IssuerSchema, RefusedClaim } from './schema.ts'

const times = ['iss', 'exp', 'iat', 'nbf', 'jti'].map((name) =>
  provesNothing(name, 'is checked by the broker itself', 'name a claim that says who asks'),
)

const declared = (name: string): ClaimSchema =>
  memberIn(name) === undefined ? claim(name, someText, optional)[1] : memberClaim(name)

function intake(given: Given, names: readonly string[]): Intake {
  for (const name of names) {
    const member = memberIn(name)
    if (member !== undefined && memberOf(given, member) === false)
      return refuse(member.list, 'is not a list of texts')
  }
  return takeAll(names.map(declared), (name) => {
    const member = memberIn(name)
    return member === undefined ? textOf(given, name) : memberOf(given, member)
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
