/** A policy of any size, the tokens that ask it, and the same rules for a peer to read. */

export interface SampleGrant {
  readonly name: string
  readonly repositoryId: string
  readonly ref: string
  readonly environment: string
  readonly target: string
}

export interface Sample {
  readonly text: string
  readonly lock: string
  readonly grants: readonly SampleGrant[]
}

const TARGETS = 20

/** Half of the grants give production from main, half staging from a branch; each to a repository of its own. */
export function sampleOf(count: number): Sample {
  const grants = Array.from({ length: count }, (_, at): SampleGrant => {
    const production = at % 2 === 0
    return {
      name: `service-${at}`,
      repositoryId: String(100_000 + at),
      ref: `refs/heads/${production ? 'main' : 'develop'}`,
      environment: production ? 'production' : 'staging',
      target: `${production ? 'production' : 'staging'}-${Math.floor(at / 2) % (TARGETS / 2)}`,
    }
  })
  const targets = ['production', 'staging'].flatMap((tier) =>
    Array.from(
      { length: TARGETS / 2 },
      (_, at) =>
        `  ${tier}-${at}: { tier: ${tier}, access: write, aws_role: "arn:aws:iam::111122223333:role/${tier}-${at}", max: 30m }`,
    ),
  )
  const text = `version: 1
issuers:
  github: { owners: [acme] }
targets:
${targets.join('\n')}
grants:
${grants.map(grantText).join('\n')}
deny:
  - { name: hosted runners only, who: { runner_environment: { not: github-hosted } } }
  - { name: nothing for public repositories, who: { repository_visibility: public } }
guardrails:
  - { name: staging stays out, never: { environment: staging }, get: { tier: production } }
  - { name: main and approval, only: { owner: acme, branch: main, environment: production }, get: { tier: production } }
  - { name: proposals change nothing, never: { event: { like: "pull_request*" } }, get: { access: [write, admin] } }
  - { name: tags are releases, never: { tag: { like: "v*" } }, get: { tier: staging } }
  - { name: two worlds, apart: [{ tier: staging }, { tier: production }] }
  - { name: short, max: 15m, get: { tier: production } }
`
  const repos = grants.map(({ name, repositoryId }) => `  acme/${name}: ${repositoryId}`)
  return { text, lock: `owners: { acme: 9919 }\nrepos:\n${repos.join('\n')}\n`, grants }
}

function grantText({ name, ref, environment, target }: SampleGrant): string {
  const who = `{ repo: acme/${name}, branch: ${ref.slice('refs/heads/'.length)}, environment: ${environment} }`
  return `  - { name: ${name}, who: ${who}, get: ${target}, for: 10m }`
}

/**
 * The same number of grants to one owner, each by a pattern of its own: nothing lists a repository. With two tiers the
 * prover has to keep every pattern of the one from every pattern of the other.
 */
export function patternsOf(count: number, tiers: 1 | 2): Sample {
  const grants = Array.from(
    { length: count },
    (_, at): SampleGrant => ({
      name: `team-${at}`,
      repositoryId: String(100_000 + at),
      ref: 'refs/heads/main',
      environment: 'production',
      target: tiers === 2 && at % 2 === 1 ? 'two' : 'one',
    }),
  )
  const text = `version: 1
issuers:
  github: { owners: [acme] }
targets:
  one: { tier: production, access: write, secret: one }
  two: { tier: staging, access: write, secret: two }
grants:
${grants.map(({ name, target }) => `  - { name: ${name}, who: { repo: { like: "acme/${name}-*" }, branch: main, environment: production }, get: ${target}, for: 10m }`).join('\n')}
`
  return { text, lock: 'owners: { acme: 9919 }\n', grants }
}

export interface Ask {
  readonly claims: Readonly<Record<string, string>>
  readonly target: string
  readonly granted: boolean
}

/** Jobs of all grants alike; every fourth asks from another branch and is refused. */
export function asksOf(grants: readonly SampleGrant[], count: number): readonly Ask[] {
  return Array.from({ length: count }, (_, at) => {
    const grant = grants[(at * 7919) % grants.length]
    if (grant === undefined) throw new Error('there are no grants')
    const granted = at % 4 !== 3
    const ref = granted ? grant.ref : 'refs/heads/other'
    const claims = {
      repository: `acme/${grant.name}-x`,
      repository_id: grant.repositoryId,
      repository_owner: 'acme',
      repository_owner_id: '9919',
      ref,
      ref_type: 'branch',
      ref_protected: 'true',
      environment: grant.environment,
      event_name: 'push',
      actor: 'octocat',
      actor_id: '583231',
      runner_environment: 'github-hosted',
      repository_visibility: 'private',
      job_workflow_ref: `acme/${grant.name}/.github/workflows/ci.yml@${ref}`,
    }
    return { claims, target: grant.target, granted }
  })
}
