/**
 * schema/circleci: OpenID Connect tokens of CircleCI. Its claims have names like `oidc.circleci.com/project-id`, here
 * `project_id`. A build of a fork has the project's id and the fork's origin, so what writes must name the origin.
 */

import { lettersExcept } from '../automaton.ts'
import type { TokenClaims } from '../box.ts'
import { words } from '../glob.ts'
import { literals, union } from '../lang.ts'
import { takeAll, textAt } from './claim-text.ts'
import {
  anyBranch,
  audience,
  claim,
  joined,
  optional,
  optionalBoolean,
  provesNothing,
  short,
} from './declare.ts'
import { branchesAndTags, digits, uuid } from './domain.ts'
import type { ClaimParts, ClaimSchema, IssuerSchema, RefusedClaim } from './schema.ts'

const segment = lettersExcept(' /:@*?')
const pulls = union(words('refs/pull/', digits, '/head'), words('refs/pull/', digits, '/merge'))

const claims: ReadonlyMap<string, ClaimSchema> = new Map([
  claim('org_id', uuid),
  claim('project_id', uuid),
  // Custom webhooks leave both out; such a token says nothing about what runs, and is refused.
  claim('vcs_origin', words(segment, '/', segment, '/', lettersExcept(' :@*?')), { owned: 1 }),
  claim('vcs_ref', union(branchesAndTags, pulls)),
  claim('pipeline_definition_id', uuid, optional),
  // True means that a person holds a shell in the job; the broker refuses it too.
  claim('ssh_rerun', literals(['false']), optionalBoolean),
])

const refused = new Map<string, RefusedClaim>([
  joined('joins values without escaping them, and ends in a user', 'name the claims you mean: project, ...'),
  audience,
  provesNothing(
    'context_ids',
    'is a list; a token whose job has one more would differ',
    'use project: and branch:',
  ),
])

const parts: ClaimParts = {
  tenant: { claim: 'org_id' },
  identities: ['project_id', 'vcs_origin', 'org_id'],
  pins: ['vcs_ref'],
  anybodys: new Map([['vcs_ref', anyBranch]]),
  ref: 'vcs_ref',
  origin: 'vcs_origin',
}

/** `project_id` is `oidc.circleci.com/project-id` in the token. */
const inToken = (name: string) => `oidc.circleci.com/${name.replaceAll('_', '-')}`

function present(token: TokenClaims): Readonly<Record<string, string>> {
  return Object.fromEntries([...token].map(([name, value]) => [inToken(name), value]))
}

const exampleId = (last: string) => `00000000-0000-4000-8000-${last.padStart(12, '0')}`

export const circleci: IssuerSchema = {
  kind: 'circleci',
  claims,
  shorthands: new Map([
    ['project', short('project_id')],
    ['origin', short('vcs_origin')],
    ['branch', short('vcs_ref', 'refs/heads/')],
    ['tag', short('vcs_ref', 'refs/tags/')],
    ['pipeline', short('pipeline_definition_id')],
  ]),
  refused,
  profile: [],
  parts,
  intake: (given) => takeAll(claims.values(), (name) => textAt(given, [inToken(name)])),
  typical: (said, tenants) =>
    new Map([
      ['org_id', tenants.values().next().value ?? exampleId('1')],
      ['project_id', exampleId('2')],
      ['vcs_origin', 'github.com/organization/typical'],
      ['vcs_ref', 'refs/heads/main'],
      ['ssh_rerun', 'false'],
      ...said,
    ]),
  present,
}
