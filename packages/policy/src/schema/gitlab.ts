/**
 * schema/gitlab: ID tokens of GitLab CI (gitlab.com and self-managed). GitLab gives a ref's name and kind apart; the
 * policy has both as one, `ref_path`, so that a tag named `main` is no branch. Paths can be registered again after a
 * deletion, ids cannot: a policy writes ids, as digits, and its owners are namespaces.
 */
import { lettersIn } from '../automaton.ts'
import { box, type TokenClaims } from '../box.ts'
import { words } from '../glob.ts'
import { literals } from '../lang.ts'
import { type Given, refuse, type Text, takeAll, textAt } from './claim-text.ts'
import {
  anyBranch,
  audience,
  claim,
  joined,
  needs,
  notProtected,
  only,
  optional,
  optionalBoolean,
  provesNothing,
  rule,
  short,
  trueOrFalse,
} from './declare.ts'
import { branchesAndTags, id, lower, tags, text, word } from './domain.ts'
import { foldAscii } from './fold.ts'
import type { ClaimParts, ClaimSchema, Intake, IssuerSchema, RefusedClaim } from './schema.ts'

const letters = `${lower}0123456789_.-`
const path = words(lettersIn(letters), '/', lettersIn(`${letters}/`))

const claims: ReadonlyMap<string, ClaimSchema> = new Map([
  claim('project_id', id, { form: 'id' }),
  claim('namespace_id', id, { form: 'id' }),
  claim('project_path', path, { folded: true, owned: 0 }),
  claim('user_id', id, { form: 'id', ...optional }),
  claim('ref_path', branchesAndTags),
  claim('ref_protected', trueOrFalse, optionalBoolean),
  claim('pipeline_source', word),
  claim('environment', text, optional),
  claim('environment_protected', trueOrFalse, optionalBoolean),
  claim('environment_action', word, optional),
  claim('deployment_tier', word, optional),
  claim('runner_environment', literals(['gitlab-hosted', 'self-hosted']), optional),
  claim('project_visibility', literals(['private', 'internal', 'public']), optional),
  claim('ci_config_ref_uri', text, optional),
])

const person = (name: string) =>
  provesNothing(name, 'names a person, and can be renamed', 'use actor:, the id, beside project: and branch:')
const alone = (name: string) =>
  provesNothing(name, 'is not compared alone: a branch and a tag may share a name', 'use branch: or tag:')

const refused = new Map<string, RefusedClaim>([
  joined('joins names that can be registered again', 'name the claims you mean: project, branch, ...'),
  audience,
  alone('ref'),
  alone('ref_type'),
  person('user_login'),
  person('user_email'),
  provesNothing('groups_direct', 'says what a person belongs to, not what runs', 'use project: and branch:'),
  provesNothing('namespace_path', 'can be registered again', 'use group:, or project: { like: "acme/*" }'),
])

const parts: ClaimParts = {
  tenant: { claim: 'namespace_id' },
  identities: ['project_id', 'project_path', 'namespace_id'],
  actor: 'user_id',
  event: {
    claim: 'pipeline_source',
    standard: ['push', 'schedule', 'web'],
    // The holder of a trigger token needs no account; a pipeline of another project is started by its people.
    outsider: ['external_pull_request_event', 'external', 'trigger', 'pipeline'],
    // `ref_path` is then the branch of the proposal, in a fork too: a fork's `main` looks like ours.
    proposal: ['merge_request_event', 'external_pull_request_event'],
  },
  pins: ['ref_path', 'ref_protected', 'environment'],
  anybodys: new Map([
    ['ref_path', anyBranch],
    ['ref_protected', notProtected],
  ]),
  ref: 'ref_path',
  environment: 'environment',
  runner: { claim: 'runner_environment', own: 'self-hosted' },
}

/** `refs/heads/main` of what GitLab says in two claims, and in newer versions once more in a third. */
function refOf(given: Given): Text {
  const [name, kind, whole] = ['ref', 'ref_type', 'ref_path'].map((each) => textAt(given, [each]))
  if (typeof name !== 'string') return name
  if (kind !== 'branch' && kind !== 'tag') return kind === undefined ? undefined : false
  const ref = `refs/${kind === 'tag' ? 'tags' : 'heads'}/${name}`
  return whole === undefined || whole === ref ? ref : false
}

function intake(given: Given): Intake {
  const read = (name: string) => (name === 'ref_path' ? refOf(given) : textAt(given, [name]))
  const taken = takeAll(claims.values(), read)
  if (!taken.ok) return taken
  const namespace = textAt(given, ['namespace_path'])
  if (namespace === undefined) return taken
  const contains = namespace !== false && namespaceOf(taken.token) === foldAscii(namespace)
  return contains ? taken : refuse('project_path', 'does not lie in namespace_path')
}

function namespaceOf(token: TokenClaims): string {
  const path = token.get('project_path') ?? ''
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function present(token: TokenClaims): Readonly<Record<string, string>> {
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/s.exec(token.get('ref_path') ?? '') ?? []
  const ref = name === undefined ? {} : { ref: name, ref_type: kind === 'tags' ? 'tag' : 'branch' }
  return { ...Object.fromEntries(token), ...ref, namespace_path: namespaceOf(token) }
}

export const gitlab: IssuerSchema = {
  kind: 'gitlab',
  claims,
  shorthands: new Map([
    ['project', short('project_id', '', 'project_path')],
    ['group', short('namespace_id')],
    ['branch', short('ref_path', 'refs/heads/')],
    ['tag', short('ref_path', 'refs/tags/')],
    ['event', short('pipeline_source')],
    ['actor', short('user_id')],
  ]),
  refused,
  profile: [
    ...['environment_protected', 'environment_action', 'deployment_tier'].map((name) =>
      needs(name, 'environment'),
    ),
    rule('ref_path', box(only('pipeline_source', literals(['merge_request_event'])), only('ref_path', tags))),
  ],
  parts,
  intake,
  typical: (said, tenants) =>
    new Map([
      ['project_id', '1'],
      ['namespace_id', tenants.values().next().value ?? '1'],
      ['project_path', 'group/typical'],
      ['user_id', '1'],
      ['ref_path', 'refs/heads/main'],
      ['ref_protected', 'true'],
      ['pipeline_source', 'push'],
      ['runner_environment', 'gitlab-hosted'],
      ['project_visibility', 'private'],
      ...said,
    ]),
  present,
}
