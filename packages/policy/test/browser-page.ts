/** What the test of the browser runs there, and here to compare: nothing of it is known to Node alone. */
import { decide } from '../src/decide.ts'
import { loadPolicy } from '../src/load.ts'
import type { SourceFile } from '../src/problem.ts'

type Claims = Readonly<Record<string, string>>

const job: Claims = {
  repository: 'acme/shop',
  repository_id: '40777',
  repository_owner: 'acme',
  repository_owner_id: '9919',
  ref: 'refs/heads/main',
  ref_type: 'branch',
  ref_protected: 'true',
  event_name: 'push',
  actor: 'octocat',
  actor_id: '583231',
  environment: 'production',
  runner_environment: 'github-hosted',
  repository_visibility: 'private',
  repo_property_env_tier: 'production',
  job_workflow_ref: 'acme/pipelines/.github/workflows/deploy.yml@refs/tags/v7',
}

const jobs: Readonly<Record<string, Claims>> = {
  'a service deploys': job,
  'from another branch': { ...job, ref: 'refs/heads/topic' },
  'a staging job': { ...job, environment: 'staging' },
  'with an environment in capitals': { ...job, environment: 'PRODUCTION' },
  'on its own machine': { ...job, runner_environment: 'self-hosted' },
  'a fork that took the name': { ...job, repository_owner: 'evil' },
}

export interface PageResult {
  readonly problems: readonly string[]
  /** Guardrail to outcome. */
  readonly proofs: Readonly<Record<string, string>>
  /** Job to `grant`, or the code of the refusal. */
  readonly decisions: Readonly<Record<string, string>>
}

/** Loads and proves the policy, and decides whether some jobs reach the production cluster. */
export function runPage(files: readonly SourceFile[], lock: SourceFile): PageResult {
  const loaded = loadPolicy(files, lock)
  if (!loaded.ok)
    return { problems: loaded.problems.map(({ message }) => message), proofs: {}, decisions: {} }
  const { policy, proofs } = loaded
  const decided = Object.entries(jobs).map(([name, claims]) => {
    const decision = decide(policy, { issuer: 'github', claims, target: 'prod-cluster' })
    return [name, decision.allowed ? 'grant' : decision.code] as const
  })
  return {
    problems: [],
    proofs: Object.fromEntries(proofs.map(({ guardrail, outcome }) => [guardrail.name, outcome])),
    decisions: Object.fromEntries(decided),
  }
}
