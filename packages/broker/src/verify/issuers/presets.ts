import type { Claims } from '../../domain.ts'
import type { PresetName } from '../preset-names.ts'
import { githubPreset } from './github-preset.ts'
import { form, jobFrom, type Preset } from './preset.ts'

const minutes = 60
const hours = 3600

/** The platforms, as data. For readers: docs/reference/presets.md, generated from here. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  'github-actions': githubPreset,
  // Tokens of GitLab, CircleCI and Bitbucket are made when the job starts, not when it asks.
  gitlab: {
    form: form('HOST'),
    algorithms: ['RS256'],
    // The paths can be registered again after a deletion; the ids cannot (A11).
    required: [
      'jti',
      'project_id',
      'namespace_id',
      'project_path',
      'ref',
      'ref_type',
      'pipeline_id',
      'job_id',
    ],
    text: ['environment', 'ref_protected', 'ref_path', 'pipeline_source', 'runner_environment', 'user_login'],
    jti: 'required',
    maxAge: hours,
    maxLifetime: 24 * hours,
    repository: 'project_path',
    actor: 'user_login',
    job: jobFrom('job_id', 'pipeline_id'),
  },
  buildkite: {
    form: form('agent.buildkite.com'),
    algorithms: ['RS256'],
    required: ['organization_slug', 'pipeline_slug', 'build_branch', 'build_commit', 'job_id', 'agent_id'],
    text: [
      'organization_id',
      'pipeline_id',
      'build_id',
      'cluster_id',
      'queue_id',
      'build_tag',
      'build_source',
    ],
    jti: 'hash',
    maxAge: 10 * minutes,
    // The job chooses its token's lifetime and the form of `sub` (A32).
    maxLifetime: hours,
    job: jobFrom('job_id', 'build_id'),
    check: ({ sub, organization_slug: organization, pipeline_slug: pipeline }) =>
      typeof sub === 'string' && sub.startsWith(`organization:${organization}:pipeline:${pipeline}:`)
        ? undefined
        : 'a sub of a form that the job chose',
  },
  circleci: {
    form: form('oidc.circleci.com/org/SEGMENT'),
    algorithms: ['RS256'],
    // Without its origin a build of a fork cannot be told from one of the repository (A09).
    required: [
      'oidc.circleci.com/org-id',
      'oidc.circleci.com/project-id',
      'oidc.circleci.com/vcs-origin',
      'oidc.circleci.com/vcs-ref',
    ],
    text: ['oidc.circleci.com/job-id', 'oidc.circleci.com/workflow-id', 'oidc.circleci.com/pipeline-id'],
    jti: 'hash',
    maxAge: hours,
    maxLifetime: hours,
    job: jobFrom('oidc.circleci.com/job-id', 'oidc.circleci.com/workflow-id'),
    check: (claims) =>
      [undefined, false].some((each) => claims['oidc.circleci.com/ssh-rerun'] === each)
        ? undefined
        : 'a person has a shell in this job',
  },
  bitbucket: {
    form: form('api.bitbucket.org/2.0/workspaces/SEGMENT/pipelines-config/identity/oidc'),
    algorithms: ['RS256'],
    required: ['workspaceUuid', 'repositoryUuid', 'pipelineUuid', 'stepUuid'],
    text: ['branchName', 'deploymentEnvironmentUuid', 'commitSha', 'pipelineRunUuid'],
    jti: 'hash',
    maxAge: hours,
    maxLifetime: hours,
    job: jobFrom('stepUuid', 'pipelineRunUuid'),
  },
  'azure-devops': {
    form: form('vstoken.dev.azure.com/SEGMENT'),
    algorithms: ['RS256'],
    required: ['jti', 'org_id', 'prj_id', 'def_id'],
    text: ['rpo_id', 'rpo_ref', 'run_id'],
    // One audience for everybody: only that each token is spent once stands against replay (A37).
    jti: 'required',
    sharedAudience: 'api://AzureADTokenExchange',
    maxAge: 10 * minutes,
    maxLifetime: 10 * minutes,
    job: jobFrom(undefined, 'run_id'),
  },
  terraform: {
    form: form('HOST'),
    algorithms: ['RS256'],
    // Plans of pull requests get tokens too: the phase must be there to be asked about (A33).
    required: [
      'terraform_run_phase',
      'terraform_organization_id',
      'terraform_project_id',
      'terraform_workspace_id',
      'terraform_run_id',
    ],
    text: ['terraform_organization_name', 'terraform_project_name', 'terraform_workspace_name'],
    jti: 'hash',
    maxAge: 10 * minutes,
    maxLifetime: 2 * hours,
    job: jobFrom(undefined, 'terraform_run_id'),
    check: ({ terraform_run_phase: phase }) =>
      phase === 'plan' || phase === 'apply' ? undefined : 'an unknown phase of a run',
  },
  kubernetes: {
    form: form('HOST(/[A-Za-z0-9_.-]+)*/?'),
    algorithms: ['RS256', 'ES256'],
    required: [],
    text: [],
    jti: 'hash',
    maxAge: 2 * hours,
    maxLifetime: 24 * hours,
    check: (claims) => (isServiceAccount(claims) ? undefined : 'no service account'),
  },
  google: {
    form: form('accounts.google.com'),
    keyHosts: ['www.googleapis.com'],
    algorithms: ['RS256'],
    required: ['azp', 'email'],
    text: [],
    jti: 'hash',
    maxAge: hours,
    maxLifetime: hours,
    // The same issuer signs the logins of people.
    check: ({ email, email_verified: verified }) =>
      verified === true && typeof email === 'string' && email.endsWith('.gserviceaccount.com')
        ? undefined
        : 'no service account',
  },
  aws: {
    form: form('[a-z0-9-]+.tokens.sts.global.api.aws'),
    algorithms: ['RS256', 'ES384'],
    required: [],
    text: [],
    jti: 'hash',
    maxAge: 10 * minutes,
    maxLifetime: hours,
    check: (claims) => {
      const about = claims['https://sts.amazonaws.com/']
      const isObject = typeof about === 'object' && about !== null && !Array.isArray(about)
      return isObject ? undefined : 'no statement of AWS about the caller'
    },
  },
  vercel: {
    form: form('oidc.vercel.com/SEGMENT'),
    algorithms: ['RS256'],
    required: ['owner_id', 'project_id', 'environment'],
    text: ['owner', 'project'],
    jti: 'hash',
    maxAge: hours,
    maxLifetime: hours,
    // These are pulled to laptops.
    check: ({ environment }) => (environment === 'development' ? 'a token for development' : undefined),
  },
  fly: {
    form: form('oidc.fly.io/SEGMENT'),
    algorithms: ['RS256'],
    required: ['jti', 'org_id', 'app_id', 'machine_id'],
    text: ['app_name', 'machine_name', 'image_digest', 'region'],
    jti: 'required',
    maxAge: 10 * minutes,
    maxLifetime: hours,
  },
  semaphore: {
    form: form('[a-z0-9-]+.semaphoreci.com'),
    algorithms: ['RS256'],
    required: ['jti', 'org_id', 'prj_id', 'job_id', 'ref', 'ref_type'],
    text: ['repo', 'branch', 'tag', 'wf_id', 'ppl_id'],
    jti: 'required',
    sharedAudience: 'issuer',
    maxAge: 10 * minutes,
    maxLifetime: 24 * hours,
    job: jobFrom('job_id', 'wf_id'),
    check: ({ job_type: type }) => (type === 'debug_job' ? 'a person has a shell in this job' : undefined),
  },
  codefresh: {
    form: form('oidc.codefresh.io'),
    algorithms: ['RS256'],
    required: ['account_id', 'pipeline_id', 'workflow_id'],
    text: ['scm_ref', 'scm_repo_url', 'initiator'],
    jti: 'hash',
    sharedAudience: 'https://g.codefresh.io',
    maxAge: 5 * minutes,
    maxLifetime: 10 * minutes,
    job: jobFrom('workflow_id'),
  },
  buddy: {
    form: form('((eu|asia)-)?oidc.buddyusercontent.com'),
    algorithms: ['RS256'],
    required: ['workspace_domain', 'project_name'],
    text: ['pipeline_name', 'triggered_on', 'runner_environment'],
    jti: 'hash',
    maxAge: 10 * minutes,
    maxLifetime: hours,
  },
  forgejo: {
    form: form('HOST/api/actions'),
    algorithms: ['RS256'],
    required: ['repository', 'repository_owner', 'event_name', 'run_id'],
    text: ['ref', 'ref_type', 'workflow_ref', 'sha'],
    jti: 'hash',
    maxAge: 10 * minutes,
    maxLifetime: hours,
    job: jobFrom(undefined, 'run_id'),
  },
  auth0: {
    form: form('HOST/'),
    algorithms: ['RS256'],
    required: ['azp'],
    text: ['org_id', 'client_id'],
    jti: 'hash',
    maxAge: 10 * minutes,
    // What Auth0 gives to tokens for an API of one's own.
    maxLifetime: 24 * hours,
  },
  oidc: {
    form: form('HOST(/[A-Za-z0-9_.~-]+)*/?'),
    algorithms: ['RS256', 'ES256'],
    required: [],
    text: [],
    jti: 'hash',
    maxAge: 10 * minutes,
    maxLifetime: hours,
    // A person's session at the provider is their job: it ends with it (Back-Channel Logout 1.0).
    job: jobFrom('sid'),
    actor: 'sub',
  },
}

function isServiceAccount(claims: Claims): boolean {
  const about = claims['kubernetes.io']
  if (typeof about !== 'object' || about === null || Array.isArray(about)) return false
  const { namespace, serviceaccount } = about as Claims
  if (typeof serviceaccount !== 'object' || serviceaccount === null || Array.isArray(serviceaccount))
    return false
  const { name } = serviceaccount as Claims
  return claims['sub'] === `system:serviceaccount:${String(namespace)}:${String(name)}`
}
