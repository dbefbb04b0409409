/**
 * schema/buildkite: OpenID Connect tokens of Buildkite agents. The branch or tag of a build is one claim here, `ref`,
 * as in Buildkite's own subjects. Stable ids are there only when the job asked for them: a policy that names one
 * refuses tokens without it. Whether a build is of a pull request is not in the token.
 */
import type { TokenClaims } from '../box.ts'
import { literals } from '../lang.ts'
import { type Given, type Text, takeAll, textAt } from './claim-text.ts'
import {
  anyBranch,
  audience,
  callerChosen,
  claim,
  joined,
  optional,
  provesNothing,
  short,
} from './declare.ts'
import { branchesAndTags, text, uuid, word } from './domain.ts'
import type { ClaimParts, ClaimSchema, IssuerSchema, RefusedClaim } from './schema.ts'

const claims: ReadonlyMap<string, ClaimSchema> = new Map([
  claim('organization_slug', word),
  claim('pipeline_slug', word),
  claim('organization_id', uuid, optional),
  claim('pipeline_id', uuid, optional),
  claim('ref', branchesAndTags),
  claim('build_source', word, optional),
  claim('step_key', text, optional),
  claim('cluster_id', uuid, optional),
  claim('cluster_name', text, optional),
  claim('queue_id', uuid, optional),
  claim('queue_key', text, optional),
  claim('runner_environment', literals(['buildkite-hosted', 'self-hosted']), optional),
])

const refused = new Map<string, RefusedClaim>([
  joined('is in a form that the job chooses', 'name the claims you mean: pipeline, branch, ...'),
  audience,
  provesNothing('build_branch', 'is the name of a tag too when a tag is built', 'use branch:'),
  provesNothing('build_tag', 'is compared as a ref', 'use tag:'),
  callerChosen('build_commit', 'use branch: or tag:'),
  provesNothing('agent_id', 'is new for every agent that starts', 'use queue_id: or cluster_id:'),
])

const parts: ClaimParts = {
  tenant: { claim: 'organization_slug' },
  identities: ['pipeline_slug', 'pipeline_id', 'organization_slug', 'organization_id'],
  event: {
    claim: 'build_source',
    // Whoever starts a build by hand or by the API types any commit beside any branch: `main` is then only a word.
    standard: ['webhook', 'schedule'],
    outsider: [],
    proposal: [],
  },
  pins: ['ref'],
  anybodys: new Map([['ref', anyBranch]]),
  ref: 'ref',
  runner: { claim: 'runner_environment', own: 'self-hosted' },
}

/** As Buildkite documents it for `sub`: the tag when there is one, otherwise the branch. */
function refOf(given: Given): Text {
  const tag = textAt(given, ['build_tag'])
  const branch = textAt(given, ['build_branch'])
  if (tag === false || tag !== undefined) return tag && `refs/tags/${tag}`
  return branch && `refs/heads/${branch}`
}

function present(token: TokenClaims): Readonly<Record<string, string>> {
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/s.exec(token.get('ref') ?? '') ?? []
  const own = Object.fromEntries([...token].filter(([claimed]) => claimed !== 'ref'))
  if (name === undefined) return own
  return { ...own, build_branch: name, ...(kind === 'tags' ? { build_tag: name } : {}) }
}

export const buildkite: IssuerSchema = {
  kind: 'buildkite',
  claims,
  shorthands: new Map([
    ['organization', short('organization_slug')],
    ['pipeline', short('pipeline_slug')],
    ['branch', short('ref', 'refs/heads/')],
    ['tag', short('ref', 'refs/tags/')],
    ['event', short('build_source')],
  ]),
  refused,
  profile: [],
  parts,
  intake: (given) =>
    takeAll(claims.values(), (name) => (name === 'ref' ? refOf(given) : textAt(given, [name]))),
  typical: (said, tenants) =>
    new Map([
      ['organization_slug', tenants.values().next().value ?? 'organization'],
      ['pipeline_slug', 'typical'],
      ['ref', 'refs/heads/main'],
      ['build_source', 'webhook'],
      ['runner_environment', 'buildkite-hosted'],
      ...said,
    ]),
  present,
}
