/** A token's claims as each platform writes them, with invented names. Formats: docs/guide/issuers.md. */
import type { PresetName } from '../../packages/broker/src/verify/preset-names.ts'

type Claims = Readonly<Record<string, unknown>>

/** Seconds, as the fake clock starts. */
export const start = 1_790_000_000
export const ours = 'https://mayfly.example'

const ids = {
  org: '0b7c5a52-1111-4f6e-8a70-6f1f2a3b4c01',
  project: '0b7c5a52-2222-4f6e-8a70-6f1f2a3b4c02',
  job: '0b7c5a52-3333-4f6e-8a70-6f1f2a3b4c03',
  run: '0b7c5a52-4444-4f6e-8a70-6f1f2a3b4c04',
  token: '0b7c5a52-5555-4f6e-8a70-6f1f2a3b4c05',
}
const sha = 'a'.repeat(40)

function times(lifetime: number, notBefore?: number) {
  return { iat: start, exp: start + lifetime, ...(notBefore === undefined ? {} : { nbf: start - notBefore }) }
}

const github = {
  iss: 'https://token.actions.githubusercontent.com',
  sub: 'repo:acme/shop:ref:refs/heads/main',
  aud: ours,
  jti: ids.token,
  ...times(300, 300),
  actor: 'dana',
  actor_id: '4100',
  base_ref: '',
  check_run_id: '72000000001',
  event_name: 'push',
  head_ref: '',
  job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  job_workflow_sha: sha,
  ref: 'refs/heads/main',
  ref_protected: 'true',
  ref_type: 'branch',
  repository: 'acme/shop',
  repository_id: '9001',
  repository_owner: 'acme',
  repository_owner_id: '801',
  repository_visibility: 'private',
  run_attempt: '1',
  run_id: '24700000001',
  run_number: '3',
  runner_environment: 'github-hosted',
  sha,
  workflow: 'Deploy \u{1f680}',
  workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
  workflow_sha: sha,
}

const gitlab = {
  iss: 'https://gitlab.com',
  sub: 'project_path:acme/shop:ref_type:branch:ref:main',
  aud: ours,
  jti: ids.token,
  ...times(3600, 5),
  project_id: '77',
  project_path: 'acme/shop',
  namespace_id: '12',
  namespace_path: 'acme',
  user_id: '9',
  user_login: 'dana',
  groups_direct: ['acme'],
  pipeline_id: '5501',
  pipeline_source: 'push',
  job_id: '990001',
  job_config: { url: 'x' },
  ref: 'main',
  ref_type: 'branch',
  ref_path: 'refs/heads/main',
  ref_protected: 'true',
  runner_id: 44,
  runner_environment: 'gitlab-hosted',
  sha,
}

const buildkite = {
  iss: 'https://agent.buildkite.com',
  sub: `organization:acme:pipeline:shop:ref:refs/heads/main:commit:${sha}:step:build`,
  aud: ours,
  ...times(300, 0),
  organization_slug: 'acme',
  pipeline_slug: 'shop',
  build_number: 3,
  build_branch: 'main',
  build_commit: sha,
  build_source: 'ui',
  step_key: null,
  job_id: ids.job,
  agent_id: ids.run,
  runner_environment: 'self-hosted',
}

const circleci = {
  iss: `https://oidc.circleci.com/org/${ids.org}`,
  sub: `org/${ids.org}/project/${ids.project}/user/${ids.run}/vcs-origin/github.com/acme/shop/vcs-ref/refs/heads/main`,
  aud: ours,
  ...times(3600),
  'oidc.circleci.com/org-id': ids.org,
  'oidc.circleci.com/project-id': ids.project,
  'oidc.circleci.com/context-ids': [ids.run],
  'oidc.circleci.com/vcs-origin': 'github.com/acme/shop',
  'oidc.circleci.com/vcs-ref': 'refs/heads/main',
  'oidc.circleci.com/pipeline-id': ids.run,
  'oidc.circleci.com/workflow-id': ids.run,
  'oidc.circleci.com/job-id': ids.job,
  'oidc.circleci.com/ssh-rerun': false,
}

const bitbucket = {
  iss: 'https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc',
  sub: `{${ids.project}}:{${ids.job}}`,
  aud: ours,
  ...times(3600),
  workspaceUuid: `{${ids.org}}`,
  repositoryUuid: `{${ids.project}}`,
  pipelineUuid: `{${ids.run}}`,
  pipelineRunUuid: `{${ids.run}}`,
  stepUuid: `{${ids.job}}`,
  branchName: 'main',
}

const azure = {
  iss: `https://vstoken.dev.azure.com/${ids.org}`,
  sub: 'p://acme/shop/deploy',
  aud: 'api://AzureADTokenExchange',
  jti: ids.token,
  ...times(299, 600),
  org_id: ids.org,
  prj_id: ids.project,
  def_id: '8',
  rpo_id: ids.project,
  rpo_ref: 'refs/heads/main',
  run_id: '31',
}

const terraform = {
  iss: 'https://app.terraform.io',
  sub: 'organization:acme:project:Default Project:workspace:shop-prod:run_phase:apply',
  aud: ours,
  ...times(300, 5),
  terraform_run_phase: 'apply',
  terraform_organization_id: 'org-A1',
  terraform_organization_name: 'acme',
  terraform_project_id: 'prj-A1',
  terraform_project_name: 'Default Project',
  terraform_workspace_id: 'ws-A1',
  terraform_workspace_name: 'shop-prod',
  terraform_full_workspace: 'organization:acme:project:Default Project:workspace:shop-prod',
  terraform_run_id: 'run-A1',
}

const kubernetes = {
  iss: 'https://oidc.eks.eu-west-1.amazonaws.com/id/AB12',
  sub: 'system:serviceaccount:build:deployer',
  aud: [ours],
  ...times(3600, 0),
  'kubernetes.io': {
    namespace: 'build',
    serviceaccount: { name: 'deployer', uid: ids.org },
    pod: { name: 'deployer-1', uid: ids.job },
    warnafter: start + 3500,
  },
}

const google = {
  iss: 'https://accounts.google.com',
  sub: '100000000000000000001',
  aud: ours,
  ...times(3600),
  azp: '100000000000000000001',
  email: 'deployer@acme-prod.iam.gserviceaccount.com',
  email_verified: true,
}

const aws = {
  iss: 'https://1f2e3d4c-0000-4000-8000-000000000001.tokens.sts.global.api.aws',
  sub: 'arn:aws:iam::111122223333:role/deployer',
  aud: [ours],
  ...times(300),
  'https://sts.amazonaws.com/': {
    aws_account: '111122223333',
    principal_id: 'arn:aws:iam::111122223333:role/deployer',
    source_region: 'eu-west-1',
    request_tags: { team: 'shop' },
  },
}

const vercel = {
  iss: 'https://oidc.vercel.com/acme',
  sub: 'owner:acme:project:shop:environment:production',
  aud: ours,
  ...times(3600, 0),
  owner: 'acme',
  owner_id: 'team_A1',
  project: 'shop',
  project_id: 'prj_A1',
  environment: 'production',
  scope: 'owner:acme:project:shop:environment:production',
}

const fly = {
  iss: 'https://oidc.fly.io/acme',
  sub: 'acme:shop:wild-sun-1',
  aud: ours,
  jti: ids.token,
  ...times(600, 0),
  org_id: '55',
  app_id: '66',
  app_name: 'shop',
  machine_id: '3d8d',
  machine_name: 'wild-sun-1',
  image: 'registry.fly.io/shop:1',
  region: 'ams',
}

const semaphore = {
  iss: 'https://acme.semaphoreci.com',
  sub: `org:acme:project:${ids.project}:repo:shop:ref_type:branch:ref:refs/heads/main`,
  aud: 'https://acme.semaphoreci.com',
  jti: ids.token,
  ...times(3600, 0),
  org_id: ids.org,
  prj_id: ids.project,
  repo: 'shop',
  ref: 'refs/heads/main',
  ref_type: 'branch',
  branch: 'main',
  wf_id: ids.run,
  ppl_id: ids.run,
  job_id: ids.job,
  job_type: 'pipeline_job',
}

const codefresh = {
  iss: 'https://oidc.codefresh.io',
  sub: 'account:a1:pipeline:p1:scm_repo_url:https://github.com/acme/shop:scm_user_name:dana:scm_ref:main',
  aud: 'https://g.codefresh.io',
  ...times(300),
  account_id: 'a1',
  pipeline_id: 'p1',
  pipeline_name: 'shop/deploy',
  workflow_id: 'w1',
  scm_repo_url: 'https://github.com/acme/shop',
  scm_user_name: 'dana',
  scm_ref: 'main',
}

const buddy = {
  iss: 'https://oidc.buddyusercontent.com',
  sub: 'https://app.buddy.works/acme/shop/pipelines/pipeline/7',
  aud: ours,
  ...times(300),
  workspace_domain: 'acme',
  project_name: 'shop',
  pipeline_id: 7,
  pipeline_name: 'deploy',
  triggered_on: 'push',
  runner_environment: 'buddy-hosted',
}

const forgejo = {
  iss: 'https://git.acme.example/api/actions',
  sub: 'repo:acme/shop:pull_request',
  aud: ours,
  ...times(3600, 0),
  repository: 'acme/shop',
  repository_owner: 'acme',
  event_name: 'pull_request',
  ref: 'refs/pull/4/head',
  ref_type: '',
  run_id: '15',
  sha,
  workflow_ref: 'acme/shop/.forgejo/workflows/deploy.yml@refs/pull/4/head',
}

const auth0 = {
  iss: 'https://acme.eu.auth0.com/',
  sub: 'dEpLoYeR1@clients',
  aud: ours,
  ...times(86_400),
  azp: 'dEpLoYeR1',
  gty: 'client-credentials',
  scope: 'a b',
  permissions: ['a', 'b'],
}

const oidc = {
  iss: 'https://login.acme.example/realms/ci',
  sub: 'robot-1',
  aud: ours,
  ...times(600, 0),
  department: 'shop',
  groups: ['a'],
}

/** One valid token's claims of each platform. */
export const platformClaims: Readonly<Record<PresetName, Claims & { readonly iss: string }>> = {
  'github-actions': github,
  gitlab,
  buildkite,
  circleci,
  bitbucket,
  'azure-devops': azure,
  terraform,
  kubernetes,
  google,
  aws,
  vercel,
  fly,
  semaphore,
  codefresh,
  buddy,
  forgejo,
  auth0,
  oidc,
}
