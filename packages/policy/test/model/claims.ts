/**
 * What random policies may say about each claim, and the values of the small space beside them: near misses, values
 * that two patterns share, values that none has. Written by hand from the reference, not taken from the schemas.
 */
export interface ModelClaim {
  readonly claim: string
  /** How a policy may call it, and what of the value that name stands for. */
  readonly keys: readonly { readonly key: string; readonly prefix: string }[]
  readonly optional: boolean
  readonly exact: readonly string[]
  readonly globs: readonly string[]
  readonly others: readonly string[]
  /** Names that a policy writes instead of ids. */
  readonly names?: Readonly<Record<string, string>>
}

function claim(name: string, more: Partial<ModelClaim> & Pick<ModelClaim, 'exact'>): ModelClaim {
  return { claim: name, keys: [{ key: name, prefix: '' }], optional: false, globs: [], others: [], ...more }
}

const key = (name: string, prefix = '') => [{ key: name, prefix }]
const optional = true

export const standardEvents = ['push', 'schedule', 'workflow_dispatch', 'release']

/** Events that outsiders or proposals cause: the baseline keeps them from production. */
export const strangersEvents = [
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
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
]

const heads = (...names: readonly string[]) => names.map((name) => `refs/heads/${name}`)

export const githubClaims: readonly ModelClaim[] = [
  claim('repository_id', {
    keys: key('repo'),
    exact: ['40211', '40212', '40213'],
    names: { '40211': 'acme/web', '40212': 'acme/api', '40213': 'acme/infra' },
    others: ['7'],
  }),
  claim('repository', {
    exact: ['acme/web', 'acme/a-b'],
    globs: ['acme/*', 'acme/a-*', 'acme/*-x', 'acme/a-*-x', 'acme/api'],
    others: ['acme/api', 'acme/a-', 'acme/a-c', 'acme/b-x', 'acme/a-x', 'acme/a--x', 'acme/z', 'evil/web'],
  }),
  claim('repository_owner_id', {
    keys: key('owner'),
    exact: ['9919', '9920'],
    names: { '9919': 'acme', '9920': 'acme-agents' },
    others: ['5'],
  }),
  claim('actor_id', {
    keys: key('actor'),
    exact: ['583231', '198982749', '49699333'],
    names: { '583231': 'octocat', '198982749': 'coding-agent', '49699333': 'dependabot' },
    others: ['1'],
  }),
  claim('ref', {
    keys: [...key('ref'), ...key('branch', 'refs/heads/'), ...key('tag', 'refs/tags/')],
    optional,
    exact: [...heads('main', 'r/1', 'a-x/b'), 'refs/tags/v1', 'refs/tags/main', 'refs/pull/7/merge'],
    globs: [
      ...heads('*', '**', 'r/*', 'r/**', 'r*', '*/1', '*-x/**'),
      'refs/tags/v*',
      'refs/*/main',
      'refs/pull/**',
    ],
    others: [
      ...heads('dev', 'r', 'r/2', 'r/2/x', 'q/1', 'q/2', 'ra/1', 'ra/2', 'a-x/1', 'a-x/c', 'a-x/c/1'),
      ...heads('r-x/1', 'r-x/c', 'ra/2/x', 'main-x', 'r-x/c/1'),
      ...[
        'refs/tags/v',
        'refs/tags/v2',
        'refs/tags/v2/x',
        'refs/tags/x',
        'refs/tags/v@',
        'refs/heads/a@b',
        'refs/pull/8/merge',
      ],
    ],
  }),
  claim('ref_type', { optional, exact: ['branch', 'tag'] }),
  claim('ref_protected', { optional, exact: ['true', 'false'] }),
  claim('environment', {
    optional,
    exact: ['p', 'q', 'prod-x'],
    globs: ['p*', '*-x', 'prod-*', 'q'],
    others: [
      'pr',
      'prod-',
      'prod-a',
      'prod-a/b',
      'p/x',
      'prod-a-x',
      'a-x',
      'p-x',
      'z',
      'é-x',
      'prodé',
      'p q',
      'p:q',
    ],
  }),
  claim('event_name', {
    keys: key('event'),
    exact: [...standardEvents, 'pull_request', 'issues', 'custom'],
    globs: ['pull_request*', '*_run'],
    others: [...strangersEvents, 'pull_request_run', 'zzz'],
  }),
  claim('runner_environment', { exact: ['github-hosted', 'self-hosted'], others: ['elsewhere'] }),
  claim('repository_visibility', { exact: ['private', 'public'], others: ['internal'] }),
  claim('workflow.repo', {
    optional,
    exact: ['acme/pipelines', 'acme/web'],
    globs: ['acme/p*', 'acme/*-x'],
    others: ['acme/p-x', 'acme/a-x', 'acme/pz', 'acme/z', 'evil/p'],
  }),
  claim('workflow.file', {
    optional,
    exact: ['.github/workflows/d.yml', '.github/workflows/e.yaml'],
    globs: ['.github/workflows/*.yml', '.github/workflows/d*'],
    others: [
      '.github/workflows/d.yaml',
      '.github/workflows/dd.yml',
      '.github/workflows/z.yml',
      '.github/workflows/z.yaml',
    ],
  }),
  claim('workflow.ref', {
    optional,
    exact: ['refs/tags/v1', 'refs/heads/main', 'a1'.repeat(20)],
    globs: ['refs/tags/v*', 'refs/heads/**', 'refs/tags/*'],
    others: ['refs/tags/v2', 'refs/tags/v', 'refs/tags/x', 'refs/tags/v/x', 'refs/heads/x', 'b2'.repeat(20)],
  }),
  claim('repo_property_team', {
    optional,
    exact: ['payments', 'ops'],
    globs: ['pay*', '*-ops', 'p*'],
    others: ['pay', 'pay-ops', 'p', 'p-ops', 'x-ops', 'Payments', 'pay/x', 'z'],
  }),
]

/** An issuer of which nothing is known but what the policy declares. */
export const otherClaims: readonly ModelClaim[] = [
  claim('sub', {
    optional,
    exact: ['robot:a', 'robot:b', 'x'],
    globs: ['robot:*', 'robot:a*', '*:b'],
    others: ['robot:a2', 'robot:c', 'robot:', 'y:b', 'robot:a:b', 'y'],
  }),
  claim('team', { optional, exact: ['ops', 'web'], globs: ['o*'], others: ['o', 'o/x', 'z', 'OPS'] }),
  claim('level', { optional, exact: ['1', '2'], others: ['3'] }),
]
