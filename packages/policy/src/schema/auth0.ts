/**
 * schema/auth0: access tokens of one Auth0 tenant: of applications (machine to machine) and of users. The application
 * is `client_id` here, whichever of Auth0's two token profiles is used. What Auth0 allows at an API (`scope`,
 * `permissions`, roles) is not read: the broker asks who somebody is, and the policy says what they may.
 */
import type { TokenClaims } from '../box.ts'
import { words } from '../glob.ts'
import { type Given, type Text, takeAll, textAt } from './claim-text.ts'
import { audience, callerChosen, claim, optional, provesNothing, short } from './declare.ts'
import { alphanumeric, text, word } from './domain.ts'
import type { ClaimParts, ClaimSchema, IssuerSchema, RefusedClaim } from './schema.ts'

const claims: ReadonlyMap<string, ClaimSchema> = new Map([
  claim('client_id', word),
  claim('sub', text),
  claim('org_id', words('org_', alphanumeric), optional),
])

const granted = (name: string) =>
  provesNothing(name, 'says what Auth0 allows at an API, not who asks', 'use client:, user: or organization:')

const refused = new Map<string, RefusedClaim>([
  audience,
  callerChosen('scope', 'use client:, user: or organization:'),
  granted('permissions'),
  granted('roles'),
  provesNothing('org_name', 'can be renamed', 'use organization:, the id'),
  provesNothing('azp', 'is called client_id here', 'use client:'),
  provesNothing('gty', 'is not in every token profile', 'use user: { like: "*@clients" } for applications'),
])

const parts: ClaimParts = {
  identities: ['client_id', 'sub', 'org_id'],
  pins: ['client_id', 'sub'],
  anybodys: new Map(),
}

/** `azp` in Auth0's own profile, `client_id` in that of RFC 9068 section 2.2; never two different ones. */
function clientOf(given: Given): Text {
  const party = textAt(given, ['azp'])
  const client = textAt(given, ['client_id'])
  if (party === undefined || client === undefined) return party ?? client
  return party === client ? party : false
}

function present(token: TokenClaims): Readonly<Record<string, string>> {
  return Object.fromEntries([...token].map(([name, value]) => [name === 'client_id' ? 'azp' : name, value]))
}

export const auth0: IssuerSchema = {
  kind: 'auth0',
  claims,
  shorthands: new Map([
    ['client', short('client_id')],
    ['user', short('sub')],
    ['organization', short('org_id')],
  ]),
  refused,
  profile: [],
  parts,
  intake: (given) =>
    takeAll(claims.values(), (name) => (name === 'client_id' ? clientOf(given) : textAt(given, [name]))),
  typical: (said) => {
    const client = said.get('client_id') ?? 'typical'
    return new Map([['client_id', client], ['sub', `${client}@clients`], ...said])
  },
  present,
}
