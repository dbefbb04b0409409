/** Conditions and members of providers, as they are written; the policy that each becomes is judged by `gcp.test.ts`. */

export const issuerUri = 'https://token.actions.githubusercontent.com'
export const pool = 'projects/123456789/locations/global/workloadIdentityPools/ci'
export const principals = `principalSet://iam.googleapis.com/${pool}`
export const serviceAccount = 'deploy@acme-prod.iam.gserviceaccount.com'
export const mapping = {
  'google.subject': 'assertion.sub',
  'attribute.repository': 'assertion.repository',
  'attribute.ref': 'assertion.ref',
  'attribute.owner': "assertion['repository_owner']",
}
interface Case {
  readonly name: string
  readonly condition?: string
  readonly members?: readonly string[]
  readonly tells?: readonly string[]
  readonly none?: true
}

export const cases: readonly Case[] = [
  {
    name: 'an owner and a member',
    condition: "assertion.repository_owner == 'acme'",
    members: [`${principals}/attribute.repository/acme/web`],
    tells: ['any-branch'],
  },
  {
    name: 'ids',
    condition:
      "assertion.repository_owner_id == '9919' && assertion.repository_id == '40211' && assertion.ref == 'refs/heads/main'",
  },
  {
    name: 'an owner by name',
    condition: "assertion.repository_owner=='acme'",
    tells: ['any-branch', 'any-event'],
  },
  {
    name: 'one of two',
    condition: "assertion.repository in ['acme/web', 'acme/api'] && assertion.ref == 'refs/heads/main'",
  },
  {
    name: 'alternatives',
    condition:
      "(assertion.repository == 'acme/web' || assertion.repository == 'acme/api') && (assertion.ref == 'refs/heads/main' || assertion.ref == 'refs/heads/develop')",
  },
  {
    name: 'mapped attributes',
    condition: "attribute.repository == 'acme/web' && attribute.ref == 'refs/heads/main'",
  },
  { name: 'the subject', condition: "google.subject == 'repo:acme/web:ref:refs/heads/main'" },
  {
    name: 'a subject by its start',
    condition: "assertion.sub.startsWith('repo:acme/web:')",
    tells: ['any-context'],
  },
  {
    name: 'branches by their start',
    condition: "assertion.repository == 'acme/web' && assertion.ref.startsWith('refs/heads/release/')",
  },
  {
    name: 'tags by their start',
    condition: "assertion.repository == 'acme/web' && assertion.ref.startsWith('refs/tags/v')",
  },
  {
    name: 'a regular expression',
    condition: "assertion.sub.matches('^repo:acme/web:ref:refs/heads/(main|develop)$')",
  },
  {
    name: 'a regular expression without anchors',
    condition: "assertion.repository == 'acme/web' && assertion.ref.matches('refs/heads/release/.+')",
  },
  {
    name: 'another value',
    condition:
      "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main' && assertion.environment != 'staging'",
  },
  {
    name: 'presence',
    condition:
      "has(assertion.environment) && assertion.environment == 'production' && assertion.repository == 'acme/web'",
    tells: ['environment-without-branch'],
  },
  {
    name: 'absence',
    condition:
      "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main' && !has(assertion.environment)",
  },
  {
    name: 'negation of alternatives',
    condition:
      "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main' && !(assertion.event_name == 'schedule' || assertion.event_name == 'pull_request_target')",
    tells: ['outsiders-event'],
  },
  {
    name: 'a reusable workflow',
    condition:
      "assertion.repository_owner == 'acme' && assertion.job_workflow_ref == 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1'",
  },
  {
    name: 'a reusable workflow of any version',
    condition:
      "assertion.repository_owner == 'acme' && assertion.job_workflow_ref.startsWith('acme/pipelines/.github/workflows/deploy.yml@')",
    tells: ['any-workflow-version'],
  },
  {
    name: 'a subject of the pool',
    condition: "assertion.repository_owner == 'acme'",
    members: [`principal://iam.googleapis.com/${pool}/subject/repo:acme/web:environment:production`],
  },
  {
    name: 'two members',
    members: [`${principals}/attribute.repository/acme/web`, `${principals}/attribute.repository/acme/api`],
    tells: ['no-condition'],
  },
  {
    name: 'every member',
    condition: "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main'",
    members: [`${principals}/*`],
    tells: ['any-member'],
  },
  {
    name: 'pull requests',
    condition: "assertion.repository == 'acme/web' && assertion.event_name == 'pull_request'",
    none: true,
  },
  {
    name: 'a protected branch',
    condition:
      "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main' && assertion.ref_protected == 'true'",
  },
  {
    name: 'a function that is not taken apart',
    condition: "assertion.repository.split('/')[0] == 'acme'",
    none: true,
  },
  { name: 'no condition', tells: ['no-condition', 'any-repository'] },
]
