/** Roles as they are written; the policy that each becomes is judged by `vault.test.ts`. */
import type { Template } from './jobs.ts'
import type { Role } from './vault-login.ts'

interface Case {
  readonly name: string
  readonly role: Role & Readonly<Record<string, unknown>>
  readonly templates?: readonly Template[]
  readonly tells?: readonly string[]
  readonly none?: true
  /** What Vault cannot say of the imported policy. */
  readonly cannot?: RegExp
}

export const base = {
  role_type: 'jwt',
  user_claim: 'repository',
  bound_audiences: ['sts.amazonaws.com'],
  token_ttl: 900,
}
export const missing = /cannot ask for that a claim is missing/
export const separator = /a pattern that stops at a separator/
export const cases: readonly Case[] = [
  {
    name: 'a repository and a branch',
    role: { ...base, bound_claims: { repository: 'acme/web', ref: 'refs/heads/main' } },
    tells: ['no-owner-id'],
  },
  {
    name: 'ids',
    role: {
      ...base,
      bound_claims: { repository_id: '40211', repository_owner_id: '9919', ref: 'refs/heads/main' },
    },
  },
  {
    name: 'listed values',
    role: {
      ...base,
      bound_claims: { repository: ['acme/web', 'acme/api'], ref: ['refs/heads/main', 'refs/heads/develop'] },
    },
  },
  {
    name: 'an environment',
    role: { ...base, bound_claims: { repository: 'acme/web', environment: 'production' } },
    tells: ['environment-without-branch', 'any-event'],
  },
  {
    name: 'a subject',
    role: { ...base, bound_subject: 'repo:acme/web:ref:refs/heads/main' },
    cannot: missing,
  },
  {
    name: 'an immutable subject of an environment',
    role: { ...base, bound_subject: 'repo:acme@9919/web@40211:environment:production' },
  },
  {
    name: 'a repository alone',
    role: { ...base, bound_claims: { repository: 'acme/web' } },
    tells: ['any-branch', 'any-event'],
  },
  {
    name: 'an owner alone',
    role: { ...base, bound_claims: { repository_owner: 'acme' } },
    tells: ['any-branch'],
  },
  {
    name: 'a glob of branches',
    role: {
      ...base,
      bound_claims_type: 'glob',
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/release/*' },
    },
    cannot: separator,
  },
  {
    name: 'a glob of repositories',
    role: {
      ...base,
      bound_claims_type: 'glob',
      bound_claims: { repository: 'acme/svc-*', ref: 'refs/heads/main' },
    },
  },
  {
    name: 'a glob of subjects',
    role: { ...base, bound_claims_type: 'glob', bound_claims: { sub: 'repo:acme/*:environment:production' } },
  },
  {
    name: 'a star that is everything',
    role: {
      ...base,
      bound_claims_type: 'glob',
      bound_claims: { repository: 'acme/web', ref: '*', environment: 'production' },
    },
    tells: ['any-value'],
    cannot: /./,
  },
  {
    name: 'an event',
    role: {
      ...base,
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/main', event_name: ['push', 'pull_request'] },
    },
    tells: ['outsiders-event'],
  },
  {
    name: 'pull requests only',
    role: { ...base, bound_claims: { repository: 'acme/web', event_name: 'pull_request' } },
    none: true,
  },
  {
    name: 'no audience',
    role: {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/main' },
    },
    tells: ['no-audience', 'no-lifetime'],
  },
  {
    name: 'a reusable workflow',
    role: {
      ...base,
      bound_claims: {
        repository_owner: 'acme',
        job_workflow_ref: 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1',
      },
    },
  },
  {
    name: 'a protected branch and a hosted runner',
    role: {
      ...base,
      bound_claims: {
        repository: 'acme/web',
        ref: 'refs/heads/main',
        ref_protected: 'true',
        runner_environment: 'github-hosted',
      },
    },
  },
  { name: 'nothing', role: { ...base, bound_claims: {} }, tells: ['any-repository'] },
  {
    name: 'a star that is a letter',
    role: { ...base, bound_claims: { repository: 'acme/*', ref: 'refs/heads/main' } },
    none: true,
  },
  {
    name: 'a display name',
    role: { ...base, bound_claims: { repository: 'acme/web', workflow: 'Deploy' } },
    none: true,
  },
  {
    name: 'an actor',
    role: { ...base, bound_claims: { repository: 'acme/web', actor: 'octocat', ref: 'refs/heads/main' } },
  },
  {
    name: 'mappings',
    role: {
      ...base,
      claim_mappings: { environment: 'env' },
      bound_claims: { repository: 'acme/web', ref: 'refs/heads/main' },
    },
    tells: ['claim-mapping'],
  },
  {
    name: 'a template',
    role: { ...base, bound_subject: 'repository_owner_id:9919:environment:production' },
    templates: [['repository_owner_id', 'environment']],
  },
]
