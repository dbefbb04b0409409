/** Jobs of an invented GitHub: whose, by what, where; and the `sub` that a template gives them. Every claim is truthful. */
import type { ResolvedName } from '@mayfly/policy/lock-text'

export type Claims = Readonly<Record<string, string>>
export type Random = (most: number) => number
/** A template of `sub`; `legacy` and `immutable` are the two default forms. */
export type Template = 'legacy' | 'immutable' | readonly string[]

interface Repository {
  readonly name: string
  readonly id: string
  readonly ownerId: string
}

const repositories: readonly Repository[] = [
  { name: 'acme/web', id: '40211', ownerId: '9919' },
  { name: 'acme/web', id: '40211', ownerId: '9919' },
  { name: 'acme/api', id: '40212', ownerId: '9919' },
  { name: 'acme/svc-one', id: '40213', ownerId: '9919' },
  { name: 'acme/web-evil', id: '40214', ownerId: '9919' },
  { name: 'acme/pipelines', id: '40300', ownerId: '9919' },
  { name: 'acme-labs/tool', id: '50100', ownerId: '9920' },
  { name: 'evil/web', id: '66001', ownerId: '666' },
  { name: 'acme-evil/svc-one', id: '66002', ownerId: '667' },
  // The names of somebody who left, registered again.
  { name: 'acme/web', id: '99999', ownerId: '5555' },
]

/** What `mayfly policy lock` would write today. */
export const lock: readonly ResolvedName[] = [
  { section: 'owners', name: 'acme', id: '9919' },
  { section: 'owners', name: 'acme-labs', id: '9920' },
  { section: 'users', name: 'octocat', id: '583231' },
  { section: 'users', name: 'dependabot', id: '49699333' },
  ...[
    ...new Map(repositories.filter(({ id }) => id !== '99999').map((each) => [each.name, each])).values(),
  ].map(({ name, id }): ResolvedName => ({ section: 'repos', name, id })),
]

const events = [
  'push',
  'push',
  'push',
  'schedule',
  'workflow_dispatch',
  'release',
  'pull_request',
  'pull_request_target',
  'issue_comment',
  'workflow_run',
  'merge_group',
]
const refs = [
  'refs/heads/main',
  'refs/heads/main',
  'refs/heads/develop',
  'refs/heads/release/2',
  'refs/heads/release/2/x',
  'refs/heads/release-3',
  'refs/heads/main-x',
  'refs/heads/a@refs/tags/v1',
  'refs/tags/v1',
  'refs/tags/v1.2.3',
  'refs/tags/latest',
  'refs/tags/v1/x',
]
const environments = [undefined, undefined, 'production', 'staging', 'prod:eu', 'production-eu', 'ref']
const workflows = [
  'acme/web/.github/workflows/ci.yml@refs/heads/main',
  'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
  'acme/pipelines/.github/workflows/deploy.yml@refs/heads/main',
  'acme/pipelines/.github/workflows/deploy.yml@refs/heads/x@refs/tags/v1',
  'evil/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
  'acme/pipelines/.github/workflows/other.yml@refs/tags/v1',
]

/** A job's claims without `sub`. */
export function someJob(random: Random): Claims {
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T
  const { name, id, ownerId } = pick(repositories)
  const event = pick(events)
  const ref = event === 'pull_request' ? 'refs/pull/7/merge' : pick(refs)
  const environment = pick(environments)
  const actor = pick(['octocat', 'dependabot'])
  const workflow = pick([undefined, ...workflows, ...workflows])
  return {
    iss: 'https://token.actions.githubusercontent.com',
    aud: pick(['sts.amazonaws.com', 'sts.amazonaws.com', 'sts.amazonaws.com', 'https://github.com/acme']),
    repository: name,
    repository_id: id,
    repository_owner: name.split('/')[0] ?? '',
    repository_owner_id: ownerId,
    actor,
    actor_id: actor === 'octocat' ? '583231' : '49699333',
    event_name: event,
    ref,
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    ref_protected: pick(['true', 'true', 'false']),
    runner_environment: pick(['github-hosted', 'github-hosted', 'self-hosted']),
    repository_visibility: pick(['private', 'public']),
    workflow: pick(['Deploy', 'ref']),
    ...(environment === undefined ? {} : { environment }),
    ...(workflow === undefined ? {} : { job_workflow_ref: workflow }),
  }
}

/** The claims with the `sub` that the template gives; `undefined` when a key has no value. */
export function withSubject(claims: Claims, template: Template): Claims | undefined {
  const escaped = (text = '') => text.replaceAll(':', '%3A')
  const [owner = '', name = ''] = (claims['repository'] ?? '').split('/')
  const ids = `${owner}@${claims['repository_owner_id']}/${name}@${claims['repository_id']}`
  const context =
    claims['environment'] !== undefined
      ? `environment:${escaped(claims['environment'])}`
      : claims['event_name'] === 'pull_request'
        ? 'pull_request'
        : `ref:${claims['ref']}`
  if (template === 'legacy') return { ...claims, sub: `repo:${claims['repository']}:${context}` }
  if (template === 'immutable') return { ...claims, sub: `repo:${ids}:${context}` }
  if (
    template.some(
      (key) => key !== 'repo' && key !== 'names' && key !== 'context' && claims[key] === undefined,
    )
  )
    return undefined
  const parts = template.map((key) => {
    if (key === 'repo') return `repo:${ids}`
    if (key === 'names') return `repo:${claims['repository']}`
    return key === 'context' ? context : `${key}:${escaped(claims[key])}`
  })
  return { ...claims, sub: parts.join(':') }
}

const claimKeys = [
  'repo',
  'context',
  'names',
  'repository_owner_id',
  'repository_id',
  'event_name',
  'ref',
  'environment',
  'actor',
  'workflow',
  'runner_environment',
  'job_workflow_ref',
  'repository',
]

/** A template of whoever administers a repository, whatever the organisation's is. */
export function someTemplate(random: Random, usual: readonly Template[]): Template {
  if (random(3) > 0) return usual[random(usual.length)] ?? 'legacy'
  const count = 1 + random(5)
  return [...new Set(Array.from({ length: count }, () => claimKeys[random(claimKeys.length)] ?? 'repo'))]
}
