/**
 * schema/github: GitHub Actions (github.com and GitHub Enterprise Server). Claims, their values and the relations
 * between them follow the documentation of GitHub's OpenID Connect tokens.
 */
import { lettersExcept, lettersIn } from '../automaton.ts'
import { box } from '../box.ts'
import { compileGlob, someText, words } from '../glob.ts'
import { diff, everything, inter, literals, union } from '../lang.ts'
import { anyBranch, audience, callerChosen, claim, needs, only, rule } from './declare.ts'
import { branchesAndTags, commits, digits, id, lower, tags, upper, word } from './domain.ts'
import { githubIntake } from './github-intake.ts'
import { githubMend } from './github-mend.ts'
import { presentGithub, typicalGithub } from './github-token.ts'
import { parseWorkflowReference } from './github-workflow.ts'
import type { ClaimParts, IssuerSchema, ProfileRule, RefusedClaim, Shorthand } from './schema.ts'

const repository = words(lettersIn(`${lower}0123456789_-`), '/', lettersIn(`${lower}0123456789_-.`))
const pulls = words('refs/pull/', digits, '/merge')
const refs = union(branchesAndTags, pulls)
const fileName = lettersExcept('/:@')
const files = union(
  words('.github/workflows/', fileName, '.yml'),
  words('.github/workflows/', fileName, '.yaml'),
)
const foldedText = words(lettersExcept(upper))

const claims = new Map([
  claim('repository_id', id, { form: 'id' }),
  claim('repository_owner_id', id, { form: 'id' }),
  claim('actor_id', id, { form: 'id' }),
  claim('repository', repository, { folded: true, owned: 0 }),
  claim('ref', refs, { optional: true }),
  claim('ref_type', literals(['branch', 'tag']), { optional: true }),
  claim('ref_protected', literals(['true', 'false']), { optional: true, form: 'boolean' }),
  claim('environment', foldedText, { folded: true, optional: true }),
  claim('event_name', word),
  claim('runner_environment', word),
  claim('repository_visibility', word),
  claim('workflow.repo', repository, { folded: true, optional: true, owned: 0 }),
  claim('workflow.file', files, { optional: true }),
  claim('workflow.ref', union(refs, commits), { optional: true }),
])

const shorthands = new Map<string, Shorthand>([
  ['repo', { to: 'lock', section: 'repos', claim: 'repository_id', patternClaim: 'repository' }],
  ['owner', { to: 'lock', section: 'owners', claim: 'repository_owner_id' }],
  ['actor', { to: 'lock', section: 'users', claim: 'actor_id' }],
  ['branch', { to: 'claim', claim: 'ref', prefix: 'refs/heads/' }],
  ['tag', { to: 'claim', claim: 'ref', prefix: 'refs/tags/' }],
  ['event', { to: 'claim', claim: 'event_name', prefix: '' }],
  ['workflow', { to: 'workflow' }],
])

const refused = new Map<string, RefusedClaim>([
  [
    'sub',
    {
      code: 'P014',
      message: '`sub` has two formats since July 2026, and repository administrators can change it',
      hint: 'name the claims you mean: repo, branch, environment, ...',
    },
  ],
  callerChosen('head_ref', 'use branch:, which is the ref that really runs'),
  callerChosen('base_ref', 'use branch:, which is the ref that really runs'),
  audience,
])

/** Each box is what no token of GitHub's is. Not listed, because real tokens break it: pull_request => refs/pull. */
const profile: readonly ProfileRule[] = [
  rule('ref_type', box(only('ref_type', literals(['tag'])), only('ref', diff(everything, tags)))),
  rule('ref_type', box(only('ref_type', diff(everything, literals(['tag']))), only('ref', tags))),
  rule(
    'ref',
    box(
      only('event_name', literals(['push', 'schedule', 'workflow_dispatch', 'release'])),
      only('ref', inter(refs, compileGlob('refs/pull/**'))),
    ),
  ),
  rule(
    'runner_environment',
    box(only('runner_environment', diff(everything, literals(['github-hosted', 'self-hosted'])))),
  ),
  needs('workflow.file', 'workflow.repo'),
  needs('workflow.ref', 'workflow.file'),
  needs('workflow.repo', 'workflow.ref'),
]

const parts: ClaimParts = {
  tenant: { claim: 'repository_owner_id', section: 'owners' },
  identities: ['repository_id', 'repository', 'repository_owner_id', 'workflow.repo'],
  actor: 'actor_id',
  event: {
    claim: 'event_name',
    standard: ['push', 'schedule', 'workflow_dispatch', 'release'],
    outsider: [
      'pull_request_target',
      'workflow_run',
      'issues',
      'issue_comment',
      'discussion',
      'discussion_comment',
      'fork',
      'watch',
      'gollum',
      'pull_request_comment',
    ],
    proposal: ['pull_request', 'pull_request_review', 'pull_request_review_comment', 'pull_request_target'],
  },
  pins: ['ref', 'environment', 'workflow.repo', 'workflow.file'],
  anybodys: new Map([
    ['ref', anyBranch],
    ['workflow.ref', anyBranch],
  ]),
  ref: 'ref',
  environment: 'environment',
  runner: { claim: 'runner_environment', own: 'self-hosted' },
  workflow: { names: ['workflow.repo', 'workflow.file'], version: 'workflow.ref' },
}

export const github: IssuerSchema = {
  kind: 'github',
  claims,
  properties: {
    key: 'properties',
    prefix: 'repo_property_',
    claim: (name) => claim(`repo_property_${name}`, someText, { optional: true })[1],
  },
  shorthands,
  refused,
  profile,
  parts,
  mend: githubMend,
  workflow: parseWorkflowReference,
  intake: (given, properties) => githubIntake(claims, given, properties),
  typical: typicalGithub,
  present: presentGithub,
}
