import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyOf } from '../../test/fixture.ts'
import { ids, type PlatformName, platformPolicy, platforms } from '../../test/platforms.ts'
import { decide } from '../decide.ts'
import type { Policy } from '../policy.ts'

type Changes = Record<string, unknown>
type Row = readonly [title: string, target: string, changes: Changes, expected: string]

/** `undefined` removes a claim; objects have no prototype, as the broker hands them over. */
function claimsOf(name: PlatformName, changes: Changes): Changes {
  const all = Object.entries({ ...platforms[name].claims, ...changes })
  return Object.assign(
    Object.create(null),
    Object.fromEntries(all.filter(([, value]) => value !== undefined)),
  )
}

function verdict(policy: Policy, name: PlatformName, target: string, changes: Changes): string {
  const decision = decide(policy, { issuer: 'ci', claims: claimsOf(name, changes), target })
  if (decision.allowed) return 'grant'
  return decision.code === 'intake' ? `intake: ${decision.reason}` : decision.code
}

const circle = (name: string, value: unknown) => ({ [`oidc.circleci.com/${name}`]: value })
const inCluster = (changes: Changes, sub?: string) => ({
  sub,
  'kubernetes.io': { ...(platforms.kubernetes.claims['kubernetes.io'] as Changes), ...changes },
})
const mergeRequest = { pipeline_source: 'merge_request_event', ref_protected: 'false' }
const tag = {
  ref: 'v1',
  ref_type: 'tag',
  ref_path: 'refs/tags/v1',
  environment: '',
  environment_protected: '',
}
const tools = { project_path: 'acme/tools-x', project_id: 78 }

const rows: Readonly<Record<PlatformName, readonly Row[]>> = {
  gitlab: [
    ['as asked', 'deploy', {}, 'grant'],
    ['a number is its text', 'deploy', { project_id: 77 }, 'grant'],
    ['environments respect case', 'deploy', { environment: 'production' }, 'no_grant'],
    ['no environment', 'deploy', { environment: null, environment_protected: null }, 'no_grant'],
    ['another branch', 'deploy', { ref: 'Main', ref_path: 'refs/heads/Main' }, 'no_grant'],
    ['a tag of that name', 'deploy', { ref_type: 'tag', ref_path: 'refs/tags/main' }, 'no_grant'],
    ['a branch that is not protected', 'deploy', { ref_protected: 'false' }, 'no_grant'],
    ['protection unknown', 'deploy', { ref_protected: '' }, 'no_grant'],
    ['a real boolean', 'deploy', { ref_protected: true }, 'grant'],
    [
      'a merge request of a branch of that name',
      'deploy',
      { pipeline_source: 'merge_request_event' },
      'no_grant',
    ],
    ['a trigger token', 'deploy', { pipeline_source: 'trigger' }, 'no_grant'],
    ['a pipeline of another project', 'deploy', { pipeline_source: 'pipeline' }, 'no_grant'],
    ['a source of the future', 'deploy', { pipeline_source: 'new_source' }, 'no_grant'],
    ['started by hand', 'deploy', { pipeline_source: 'web' }, 'grant'],
    ['the path registered again', 'deploy', { project_id: '99' }, 'no_grant'],
    ['moved to another group', 'deploy', { namespace_id: '666' }, 'no_grant'],
    ['before version 16.2', 'deploy', { ref_path: undefined }, 'grant'],
    ['without runner', 'deploy', { runner_environment: null }, 'grant'],
    ['a tag', 'staging', { ...tools, ...tag }, 'grant'],
    ['paths ignore case', 'staging', { ...tools, ...tag, project_path: 'Acme/Tools-x' }, 'grant'],
    [
      'no deeper project',
      'staging',
      { ...tools, ...tag, project_path: 'acme/tools-x/y', namespace_path: undefined },
      'no_grant',
    ],
    ['a merge request may read', 'read', { ...mergeRequest, namespace_id: '13' }, 'grant'],
    ['of another group', 'read', mergeRequest, 'no_grant'],
    ['no project', 'deploy', { project_id: undefined }, 'intake: project_id is missing'],
    ['no source', 'deploy', { pipeline_source: undefined }, 'intake: pipeline_source is missing'],
    ['no kind of ref', 'deploy', { ref_type: undefined }, 'intake: ref_path is missing'],
    ['an unknown kind of ref', 'deploy', { ref_type: 'merge_request' }, 'intake: ref_path is not text'],
    ['two refs', 'deploy', { ref_path: 'refs/heads/other' }, 'intake: ref_path is not text'],
    ['a list', 'deploy', { environment: ['Production'] }, 'intake: environment is not text'],
    [
      'an unknown runner',
      'deploy',
      { runner_environment: 'x' },
      'intake: runner_environment has a value that this claim cannot have',
    ],
    [
      'two namespaces',
      'deploy',
      { namespace_path: 'evil' },
      'intake: project_path does not lie in namespace_path',
    ],
    ['protection without environment', 'deploy', { environment: '' }, 'profile'],
  ],
  buildkite: [
    ['as asked', 'deploy', {}, 'grant'],
    ['the id was not asked for', 'deploy', { pipeline_id: undefined }, 'no_grant'],
    ['the name registered again', 'deploy', { pipeline_id: ids.other }, 'no_grant'],
    ['another case', 'deploy', { pipeline_slug: 'Shop' }, 'no_grant'],
    ['another organisation', 'deploy', { organization_slug: 'evil' }, 'no_grant'],
    ['another branch', 'deploy', { build_branch: 'main-x' }, 'no_grant'],
    ['a tag of that name', 'deploy', { build_tag: 'main' }, 'no_grant'],
    ['by hand: any commit may call itself main', 'deploy', { build_source: 'ui' }, 'no_grant'],
    ['by the API', 'deploy', { build_source: 'api' }, 'no_grant'],
    ['by another pipeline', 'deploy', { build_source: 'trigger_job' }, 'no_grant'],
    ['by a schedule', 'deploy', { build_source: 'schedule' }, 'grant'],
    ['no source', 'deploy', { build_source: undefined }, 'no_grant'],
    ['a tag', 'staging', { build_branch: 'v1', build_tag: 'v1', queue_key: 'hosted' }, 'grant'],
    ['a branch named like a tag', 'staging', { build_branch: 'v1', queue_key: 'hosted' }, 'no_grant'],
    ['no tag is a branch', 'deploy', { build_tag: null }, 'grant'],
    ['where it is allowed by name', 'read', { build_source: 'ui', build_branch: 'x' }, 'grant'],
    [
      'of a fork',
      'read',
      { build_branch: 'stranger:main' },
      'intake: ref has a value that this claim cannot have',
    ],
    ['no organisation', 'read', { organization_slug: '' }, 'intake: organization_slug is missing'],
    ['no branch', 'read', { build_branch: undefined }, 'intake: ref is missing'],
    [
      'an id that is none',
      'read',
      { pipeline_id: 'shop' },
      'intake: pipeline_id has a value that this claim cannot have',
    ],
    ['a list', 'read', { build_tag: ['v1'] }, 'intake: ref is not text'],
  ],
  circleci: [
    ['as asked', 'deploy', {}, 'grant'],
    ['a build of a fork', 'deploy', circle('vcs-origin', 'github.com/stranger/shop'), 'no_grant'],
    ['another branch', 'deploy', circle('vcs-ref', 'refs/heads/next'), 'no_grant'],
    ['another case', 'deploy', circle('vcs-ref', 'refs/heads/Main'), 'no_grant'],
    ['a tag of that name', 'deploy', circle('vcs-ref', 'refs/tags/main'), 'no_grant'],
    ['another project', 'deploy', circle('project-id', ids.other), 'no_grant'],
    ['another organisation', 'deploy', circle('org-id', ids.other), 'no_grant'],
    ['a tag', 'staging', circle('vcs-ref', 'refs/tags/v1'), 'grant'],
    ['a pull request may read', 'read', circle('vcs-ref', 'refs/pull/7/head'), 'grant'],
    ['not said whether somebody has a shell', 'deploy', circle('ssh-rerun', undefined), 'grant'],
    [
      'somebody has a shell',
      'deploy',
      circle('ssh-rerun', true),
      'intake: ssh_rerun has a value that this claim cannot have',
    ],
    ['a custom webhook', 'read', circle('vcs-origin', undefined), 'intake: vcs_origin is missing'],
    ['a custom webhook', 'read', circle('vcs-ref', undefined), 'intake: vcs_ref is missing'],
    ['no project', 'read', circle('project-id', undefined), 'intake: project_id is missing'],
    ['a list', 'read', circle('project-id', [ids.project]), 'intake: project_id is not text'],
  ],
  kubernetes: [
    ['as asked', 'deploy', {}, 'grant'],
    ['that name in another namespace', 'deploy', inCluster({ namespace: 'team-x' }), 'no_grant'],
    ['another name', 'deploy', inCluster({ serviceaccount: { name: 'other' } }), 'no_grant'],
    ['the default account', 'deploy', inCluster({ serviceaccount: { name: 'default' } }), 'no_grant'],
    ['by its id', 'staging', {}, 'grant'],
    [
      'made again',
      'staging',
      inCluster({ serviceaccount: { name: 'deployer', uid: ids.other } }),
      'no_grant',
    ],
    ['no id', 'staging', inCluster({ serviceaccount: { name: 'deployer' } }), 'no_grant'],
    ['a namespace', 'read', inCluster({ namespace: 'team-x' }), 'grant'],
    ['no pod', 'deploy', inCluster({ pod: undefined, node: null }), 'grant'],
    [
      'names are lower case',
      'deploy',
      inCluster({ namespace: 'Build' }),
      'intake: namespace has a value that this claim cannot have',
    ],
    [
      'another subject',
      'deploy',
      { sub: 'system:serviceaccount:build:other' },
      'intake: service_account contradicts sub',
    ],
    [
      'nothing about the account',
      'deploy',
      inCluster({ serviceaccount: undefined }),
      'intake: service_account is missing',
    ],
    [
      'a text where an object is',
      'deploy',
      inCluster({ serviceaccount: 'deployer' }),
      'intake: service_account is not text',
    ],
    [
      'a list where an object is',
      'deploy',
      inCluster({ serviceaccount: [{ name: 'deployer' }] }),
      'intake: service_account is not text',
    ],
    [
      'an object where a text is',
      'deploy',
      inCluster({ namespace: { name: 'build' } }),
      'intake: namespace is not text',
    ],
    [
      'flat names are not read',
      'deploy',
      { 'kubernetes.io': undefined, namespace: 'build', service_account: 'deployer' },
      'intake: namespace is missing',
    ],
  ],
  terraform: [
    ['as asked', 'deploy', {}, 'grant'],
    ['a plan', 'deploy', { terraform_run_phase: 'plan' }, 'no_grant'],
    ['another workspace', 'deploy', { terraform_workspace_id: 'ws-B2' }, 'no_grant'],
    ['ids respect case', 'deploy', { terraform_workspace_id: 'ws-a1' }, 'no_grant'],
    ['another organisation', 'deploy', { terraform_organization_id: 'org-B2' }, 'no_grant'],
    ['renamed', 'deploy', { terraform_workspace_name: 'x' }, 'grant'],
    ['by name within a project', 'staging', {}, 'grant'],
    ['in another project', 'staging', { terraform_project_id: 'prj-B2' }, 'no_grant'],
    ['without a name', 'staging', { terraform_workspace_name: undefined }, 'no_grant'],
    ['a plan may read', 'read', { terraform_run_phase: 'plan' }, 'grant'],
    [
      'an unknown phase',
      'read',
      { terraform_run_phase: 'Apply' },
      'intake: terraform_run_phase has a value that this claim cannot have',
    ],
    ['no phase', 'read', { terraform_run_phase: undefined }, 'intake: terraform_run_phase is missing'],
    [
      'an id of something else',
      'read',
      { terraform_workspace_id: 'prj-A1' },
      'intake: terraform_workspace_id has a value that this claim cannot have',
    ],
    ['a list', 'read', { terraform_project_id: ['prj-A1'] }, 'intake: terraform_project_id is not text'],
  ],
  auth0: [
    ['as asked', 'deploy', {}, 'grant'],
    ['the profile of RFC 9068', 'deploy', { azp: undefined, client_id: 'dEpLoYeR1' }, 'grant'],
    ['another application', 'deploy', { azp: 'other', sub: 'other@clients' }, 'no_grant'],
    ['another case', 'deploy', { azp: 'deployer1', sub: 'deployer1@clients' }, 'no_grant'],
    ['a user of that application', 'deploy', { sub: 'auth0|u1' }, 'no_grant'],
    ['a user of an organisation', 'staging', { azp: 'console1', sub: 'auth0|u1', org_id: 'org_A1' }, 'grant'],
    [
      'of another organisation',
      'staging',
      { azp: 'console1', sub: 'auth0|u1', org_id: 'org_B2' },
      'no_grant',
    ],
    ['of none', 'staging', { azp: 'console1', sub: 'auth0|u1' }, 'no_grant'],
    [
      'of another connection',
      'staging',
      { azp: 'console1', sub: 'google-oauth2|u1', org_id: 'org_A1' },
      'no_grant',
    ],
    ['permissions say nothing', 'read', { permissions: ['read'] }, 'no_grant'],
    ['two applications', 'deploy', { client_id: 'other' }, 'intake: client_id is not text'],
    ['no application', 'deploy', { azp: undefined }, 'intake: client_id is missing'],
    ['no subject', 'deploy', { sub: '' }, 'intake: sub is missing'],
    ['a list', 'deploy', { azp: ['dEpLoYeR1'] }, 'intake: client_id is not text'],
  ],
  oidc: [
    ['as asked', 'deploy', {}, 'grant'],
    ['another case', 'deploy', { department: 'shop' }, 'no_grant'],
    ['a claim is missing', 'deploy', { department: '' }, 'no_grant'],
    ['another subject', 'deploy', { sub: 'robot-10' }, 'no_grant'],
    ['a pattern', 'read', { department: 'Shop-2' }, 'grant'],
    ['null is no text', 'read', { department: null }, 'intake: department is not text'],
    ['a list', 'read', { department: ['Shop'] }, 'intake: department is not text'],
    ['invisible characters', 'read', { department: 'Shop\u200b' }, 'intake: department is not text'],
    ['what is not declared is not read', 'deploy', { groups: { a: 1 } }, 'grant'],
  ],
}

for (const name of Object.keys(platforms) as PlatformName[]) {
  const { issuer, grants } = platforms[name]
  test(`${name}: a table of tokens`, () => {
    const policy = policyOf(platformPolicy(issuer, grants))
    for (const [title, target, changes, expected] of rows[name]) {
      const found = verdict(policy, name, target, changes)
      assert.equal(found, expected, `${title} ${JSON.stringify(changes)}`)
    }
  })
}
