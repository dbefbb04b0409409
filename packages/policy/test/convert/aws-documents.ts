/** Trust policies as people write them: conditions, and the template that their `sub` is of. All names are invented. */
import { provider } from './iam.ts'
import type { Template } from './jobs.ts'

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

export interface AwsCase {
  readonly name: string
  readonly conditions: readonly Conditions[]
  readonly templates?: readonly Template[]
  /** Codes of findings that must be among those told. */
  readonly tells?: readonly string[]
  /** What is exported is less than the policy: a pattern with two wildcards, of which one must not cross. */
  readonly narrower?: true
  /** Nothing of it can be in a policy. */
  readonly none?: true
}

const key = (claim: string) => `${provider}:${claim}`
const aud = { StringEquals: { [key('aud')]: 'sts.amazonaws.com' } } as const
const like = (...subs: readonly string[]): Conditions => ({ ...aud, StringLike: { [key('sub')]: subs } })
const equals = (
  row: Readonly<Record<string, string | readonly string[]>>,
  more: Conditions = {},
): Conditions => ({
  StringEquals: {
    [key('aud')]: 'sts.amazonaws.com',
    ...Object.fromEntries(Object.entries(row).map(([claim, value]) => [key(claim), value])),
  },
  ...more,
})

export const awsCases: readonly AwsCase[] = [
  {
    name: 'one branch',
    conditions: [equals({ sub: 'repo:acme/web:ref:refs/heads/main' })],
    tells: ['no-owner-id'],
  },
  {
    name: 'one environment',
    conditions: [equals({ sub: 'repo:acme/web:environment:production' })],
    tells: ['environment-without-branch'],
  },
  {
    name: 'an immutable subject',
    conditions: [equals({ sub: 'repo:acme@9919/web@40211:ref:refs/heads/main' })],
  },
  {
    name: 'both forms of one repository',
    conditions: [like('repo:acme/web:ref:refs/heads/main', 'repo:acme@9919/web@40211:ref:refs/heads/main')],
  },
  {
    name: 'anything of one repository',
    conditions: [like('repo:acme/web:*')],
    tells: ['any-context', 'any-branch', 'any-event'],
  },
  {
    name: 'every repository of an owner',
    conditions: [like('repo:acme/*')],
    tells: ['every-repository', 'any-context'],
  },
  {
    name: 'an owner whose name goes on',
    conditions: [like('repo:acme*/*:ref:refs/heads/main')],
    tells: ['owner-prefix'],
  },
  {
    name: 'names that go on for the sake of ids',
    conditions: [like('repo:acme*/web*:ref:refs/heads/main')],
    tells: ['owner-prefix', 'repository-prefix'],
  },
  { name: 'any id', conditions: [like('repo:acme@*/web@*:ref:refs/heads/main')], tells: ['any-id'] },
  { name: 'release branches', conditions: [like('repo:acme/web:ref:refs/heads/release/*')] },
  { name: 'tags', conditions: [like('repo:acme/web:ref:refs/tags/v*')], narrower: true },
  {
    name: 'a prefix of repositories',
    conditions: [like('repo:acme/svc-*:ref:refs/heads/main')],
    tells: ['repository-prefix'],
  },
  {
    name: 'two branches and an environment',
    conditions: [
      equals({
        sub: [
          'repo:acme/web:ref:refs/heads/main',
          'repo:acme/web:ref:refs/heads/develop',
          'repo:acme/web:environment:staging',
        ],
      }),
    ],
  },
  {
    name: 'two statements',
    conditions: [
      equals({ sub: 'repo:acme/web:ref:refs/heads/main' }),
      equals({ sub: 'repo:acme/api:environment:production' }),
    ],
  },
  { name: 'pull requests', conditions: [equals({ sub: 'repo:acme/web:pull_request' })], none: true },
  {
    name: 'pull requests beside a branch',
    conditions: [equals({ sub: ['repo:acme/web:pull_request', 'repo:acme/web:ref:refs/heads/main'] })],
    tells: ['outsiders-event'],
  },
  { name: 'everybody', conditions: [like('repo:*')], none: true },
  { name: 'everybody, by one star', conditions: [like('*')], none: true },
  { name: 'no subject at all', conditions: [aud], tells: ['any-repository', 'no-subject'] },
  {
    name: 'no audience',
    conditions: [{ StringEquals: { [key('sub')]: 'repo:acme/web:ref:refs/heads/main' } }],
    tells: ['no-audience'],
  },
  {
    name: 'ForAnyValue',
    conditions: [{ ...aud, 'ForAnyValue:StringLike': { [key('sub')]: 'repo:acme/web:ref:refs/heads/*' } }],
  },
  {
    name: 'ForAllValues, true of what is missing',
    conditions: [
      { ...aud, 'ForAllValues:StringEquals': { [key('sub')]: 'repo:acme/web:ref:refs/heads/main' } },
    ],
    tells: ['absent-passes'],
  },
  {
    name: 'IfExists',
    conditions: [
      equals(
        { sub: 'repo:acme/web:ref:refs/heads/main' },
        { StringEqualsIfExists: { [key('environment')]: 'production' } },
      ),
    ],
    none: true,
  },
  {
    name: 'claims of their own',
    conditions: [equals({ repository_id: '40211', ref: 'refs/heads/main', environment: 'production' })],
  },
  {
    name: 'a claim that is not a value',
    conditions: [
      equals(
        { repository_id: '40211', ref: 'refs/heads/main' },
        { StringNotEquals: { [key('environment')]: 'staging' } },
      ),
    ],
    tells: ['absent-passes'],
  },
  {
    name: 'liked and not liked',
    conditions: [
      equals(
        { repository_id: '40211' },
        {
          StringLike: { [key('ref')]: 'refs/heads/release/*' },
          StringNotLike: {
            [key('ref')]: ['refs/heads/release/*/*', 'refs/heads/release/*@*', 'refs/heads/release/*:*'],
          },
        },
      ),
    ],
  },
  {
    name: 'no environment',
    conditions: [
      equals({ repository_id: '40211', ref: 'refs/heads/main' }, { Null: { [key('environment')]: 'true' } }),
    ],
  },
  {
    name: 'some environment',
    conditions: [
      equals({ repository_id: '40211', ref: 'refs/heads/main' }, { Null: { [key('environment')]: 'false' } }),
    ],
  },
  {
    name: 'a reusable workflow',
    conditions: [
      equals({
        repository: 'acme/web',
        job_workflow_ref: 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
      }),
    ],
  },
  {
    name: 'a reusable workflow of any version',
    conditions: [
      { ...aud, StringLike: { [key('job_workflow_ref')]: 'acme/pipelines/.github/workflows/deploy.yml@*' } },
    ],
    tells: ['any-workflow-version'],
  },
  {
    name: 'a template with the workflow',
    conditions: [
      equals({
        sub: 'repo:acme@9919/web@40211:job_workflow_ref:acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
      }),
    ],
    templates: [['repo', 'job_workflow_ref']],
  },
  {
    name: 'a template with owner and event',
    conditions: [
      equals({
        sub: 'repository_owner_id:9919:event_name:push',
        repository_id: '40211',
        ref: 'refs/heads/main',
      }),
    ],
    templates: [['repository_owner_id', 'event_name']],
  },
  {
    name: 'a template with a star at its end',
    conditions: [like('repo:acme/web:environment:production:*')],
    templates: [['names', 'environment', 'event_name']],
  },
  { name: 'one letter, any', conditions: [like('repo:acme/web:ref:refs/heads/v?')], none: true },
  { name: 'an actor', conditions: [equals({ actor: 'octocat', sub: 'repo:acme/web:ref:refs/heads/main' })] },
  {
    name: 'a display name',
    conditions: [equals({ workflow: 'Deploy', sub: 'repo:acme/web:ref:refs/heads/main' })],
    none: true,
    tells: [],
  },
]

export function trustPolicy(conditions: readonly Conditions[]) {
  return {
    Version: '2012-10-17',
    Statement: conditions.map((Condition) => ({
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${provider}` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition,
    })),
  }
}
