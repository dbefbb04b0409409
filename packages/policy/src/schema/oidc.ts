/**
 * schema/oidc: any other OpenID Connect issuer that is ours alone. Only claims that the policy declares exist, all of
 * them text that respects case and may be missing. Nothing is known here about events, refs or runners, so nothing
 * is found dangerous: an issuer that many share needs a schema of its own.
 */
import { someText } from '../glob.ts'
import { takeAll, textOf } from './claim-text.ts'
import { audience, claim, optional, provesNothing } from './declare.ts'
import type { ClaimSchema, IssuerSchema, RefusedClaim } from './schema.ts'

const times = ['iss', 'exp', 'iat', 'nbf', 'jti'].map((name) =>
  provesNothing(name, 'is checked by the broker itself', 'name a claim that says who asks'),
)

const declared = (name: string): ClaimSchema => claim(name, someText, optional)[1]

export const oidc: IssuerSchema = {
  kind: 'oidc',
  claims: new Map(),
  properties: { key: 'claims', prefix: '', claim: declared },
  shorthands: new Map(),
  refused: new Map<string, RefusedClaim>([audience, ...times]),
  profile: [],
  parts: { identities: [], pins: [], anybodys: new Map() },
  intake: (given, names) => takeAll(names.map(declared), (name) => textOf(given, name)),
  typical: (said) => new Map(said),
  present: (token) => Object.fromEntries(token),
}
