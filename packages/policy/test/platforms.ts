/** One small policy for each kind of issuer, and a token that it grants `deploy`. All names are invented. */

export interface Platform {
  /** What stands under `issuers`. */
  readonly issuer: string
  readonly grants: string
  readonly claims: Readonly<Record<string, unknown>>
}

const uuid = (last: number) => `7d1f0a52-0000-4000-8000-${String(last).padStart(12, '0')}`
export const ids = { organization: uuid(1), project: uuid(2), account: uuid(3), other: uuid(9) }

const gitlab: Platform = {
  issuer: 'ci: { kind: gitlab, owners: [12, 13] }',
  grants: `
  - { name: deploy, who: { project: 77, branch: main, ref_protected: true, environment: Production }, get: deploy, for: 10m }
  - { name: release, who: { project: { like: "acme/tools-*" }, tag: { like: "v*" } }, get: staging, for: 10m }
  - { name: read, who: { group: 13, event: [push, merge_request_event] }, get: read, for: 10m }`,
  claims: {
    iss: 'https://gitlab.com',
    sub: 'project_path:acme/shop:ref_type:branch:ref:main',
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
    environment: 'Production',
    environment_protected: 'true',
    runner_id: 44,
    runner_environment: 'gitlab-hosted',
  },
}

const buildkite: Platform = {
  issuer: 'ci: { kind: buildkite, owners: [acme] }',
  grants: `
  - { name: deploy, who: { pipeline: shop, pipeline_id: ${ids.project}, branch: main }, get: deploy, for: 10m }
  - { name: release, who: { pipeline: shop, tag: { like: "v*" }, queue_key: hosted }, get: staging, for: 10m }
  - { name: read, who: { organization: acme, event: [webhook, ui] }, get: read, for: 10m }`,
  claims: {
    iss: 'https://agent.buildkite.com',
    sub: 'organization:acme:pipeline:shop:ref:refs/heads/main:commit:aaaa:step:build',
    organization_slug: 'acme',
    pipeline_slug: 'shop',
    pipeline_id: ids.project,
    build_number: 3,
    build_branch: 'main',
    build_commit: 'a'.repeat(40),
    build_source: 'webhook',
    step_key: null,
    job_id: ids.other,
    runner_environment: 'buildkite-hosted',
  },
}

const circleci: Platform = {
  issuer: `ci: { kind: circleci, owners: [${ids.organization}] }`,
  grants: `
  - { name: deploy, who: { project: ${ids.project}, origin: github.com/acme/shop, branch: main }, get: deploy, for: 10m }
  - { name: release, who: { project: ${ids.project}, origin: { like: "github.com/acme/*" }, tag: { like: "v*" } }, get: staging, for: 10m }
  - { name: read, who: { project: ${ids.project} }, get: read, for: 10m }`,
  claims: {
    'oidc.circleci.com/org-id': ids.organization,
    'oidc.circleci.com/project-id': ids.project,
    'oidc.circleci.com/context-ids': [ids.other],
    'oidc.circleci.com/vcs-origin': 'github.com/acme/shop',
    'oidc.circleci.com/vcs-ref': 'refs/heads/main',
    'oidc.circleci.com/ssh-rerun': false,
  },
}

const kubernetes: Platform = {
  issuer: 'ci: { kind: kubernetes }',
  grants: `
  - { name: deploy, who: { namespace: build, service_account: deployer }, get: deploy, for: 10m }
  - { name: release, who: { uid: ${ids.account} }, get: staging, for: 10m }
  - { name: read, who: { namespace: { like: "team-*" } }, get: read, for: 10m }`,
  claims: {
    sub: 'system:serviceaccount:build:deployer',
    'kubernetes.io': {
      namespace: 'build',
      serviceaccount: { name: 'deployer', uid: ids.account },
      pod: { name: 'deployer-1', uid: ids.other },
      node: { name: 'node-1', uid: ids.other },
      warnafter: 1_790_003_500,
    },
  },
}

const terraform: Platform = {
  issuer: 'ci: { kind: terraform, owners: [org-A1] }',
  grants: `
  - { name: deploy, who: { workspace: ws-A1 }, get: deploy, for: 10m }
  - { name: release, who: { workspace: { like: "shop-*" }, project: prj-A1, phase: apply }, get: staging, for: 10m }
  - { name: read, who: { project: prj-A1, phase: [plan, apply] }, get: read, for: 10m }`,
  claims: {
    sub: 'organization:acme:project:Default Project:workspace:shop-prod:run_phase:apply',
    terraform_run_phase: 'apply',
    terraform_organization_id: 'org-A1',
    terraform_organization_name: 'acme',
    terraform_project_id: 'prj-A1',
    terraform_project_name: 'Default Project',
    terraform_workspace_id: 'ws-A1',
    terraform_workspace_name: 'shop-prod',
    terraform_run_id: 'run-A1',
  },
}

const auth0: Platform = {
  issuer: 'ci: { kind: auth0 }',
  grants: `
  - { name: deploy, who: { client: dEpLoYeR1, user: dEpLoYeR1@clients }, get: deploy, for: 10m }
  - { name: release, who: { client: console1, organization: org_A1, user: { like: "auth0|*" } }, get: staging, for: 10m }
  - { name: read, who: { organization: org_A1 }, get: read, for: 10m }`,
  claims: {
    iss: 'https://acme.eu.auth0.com/',
    sub: 'dEpLoYeR1@clients',
    azp: 'dEpLoYeR1',
    gty: 'client-credentials',
    scope: 'a b',
    permissions: ['a', 'b'],
  },
}

const oidc: Platform = {
  issuer: 'ci: { kind: oidc, claims: [sub, department] }',
  grants: `
  - { name: deploy, who: { sub: robot-1, department: Shop }, get: deploy, for: 10m }
  - { name: read, who: { department: { like: "Shop*" } }, get: read, for: 10m }`,
  claims: { iss: 'https://login.acme.example', sub: 'robot-1', department: 'Shop', groups: ['x'] },
}

export const platforms = { gitlab, buildkite, circleci, kubernetes, terraform, auth0, oidc } as const

export type PlatformName = keyof typeof platforms

/** The policy; `deploy` is production, so the baseline's guardrails are proved for it. */
export function platformPolicy(issuer: string, grants: string, more = ''): string {
  return `version: 1
issuers:
  ${issuer}
targets:
  deploy: { tier: production, access: write, secret: deploy, max: 30m }
  staging: { tier: shared, access: write, secret: staging }
  read: { tier: shared, access: read, secret: read }
grants:${grants}
${more}`
}
