/** Policies and tokens that the tests of the policy language share. All names are invented. */
import { readFileSync } from 'node:fs'
import { type Decision, decide } from '../src/decide.ts'
import { loadPolicy } from '../src/load.ts'
import type { Policy } from '../src/policy.ts'
import { formatProblem, type SourceFile } from '../src/problem.ts'

type Claims = Record<string, unknown>

const folder = new URL('fixtures/', import.meta.url)

export const lock: SourceFile = { path: 'policy.lock.yaml', text: fixtureText('policy.lock') }

export function fixtureText(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, folder), 'utf8')
}

export function fixturePolicy(name: 'startup' | 'company' | 'agents'): Policy {
  return policyOf(fixtureText(`${name}.policy`))
}

/** A policy that must load. */
export function policyOf(text: string): Policy {
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], lock)
  if (loaded.ok) return loaded.policy
  throw new Error(loaded.problems.map((problem) => formatProblem(problem, text)).join('\n'))
}

/** One target of tier staging, and these grants (and what else is given at the top level). */
export function smallPolicy(grants: string, more = ''): string {
  return `version: 1
issuers:
  github: { owners: [acme], properties: [team, regions] }
targets:
  prod: { tier: production, access: write, secret: prod }
  staging: { tier: staging, access: write, secret: staging }
  readable: { tier: shared, access: read, secret: readable }
grants:
${grants}
${more}`
}

/** The same as a one-grant policy: `who` in YAML flow, for the target. */
export function grantPolicy(who: string, target = 'staging', more = ''): Policy {
  return policyOf(smallPolicy(`  - { name: it, who: ${who}, get: ${target}, for: 10m }`, more))
}

/** A push to the protected main branch of acme/web; `undefined` removes a claim. */
export function token(changes: Claims = {}): Claims {
  const claims: Claims = {
    repository: 'acme/web',
    repository_id: '40211',
    repository_owner: 'acme',
    repository_owner_id: '9919',
    ref: 'refs/heads/main',
    ref_type: 'branch',
    ref_protected: 'true',
    event_name: 'push',
    actor: 'octocat',
    actor_id: '583231',
    runner_environment: 'github-hosted',
    repository_visibility: 'private',
    job_workflow_ref: 'acme/web/.github/workflows/ci.yml@refs/heads/main',
    ...changes,
  }
  // As the broker hands them over: no prototype.
  const given = Object.entries(claims).filter(([, value]) => value !== undefined)
  return Object.assign(Object.create(null), Object.fromEntries(given))
}

export function ask(policy: Policy, target: string, changes: Claims = {}, issuer = 'github'): Decision {
  return decide(policy, { issuer, claims: token(changes), target })
}

/** `grant`, or the code of the refusal. */
export function verdict(policy: Policy, target: string, changes: Claims = {}, issuer = 'github'): string {
  const decision = ask(policy, target, changes, issuer)
  return decision.allowed ? 'grant' : decision.code
}

/** The codes of the errors of a one-grant policy. */
export function loadErrors(who: string, target = 'staging'): readonly string[] {
  const text = smallPolicy(`  - { name: it, who: ${who}, get: ${target}, for: 10m }`)
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], lock)
  if (loaded.ok) return []
  return loaded.problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)
}

export function outcomes(policy: Policy, target: string, tokens: readonly Claims[]): readonly string[] {
  return tokens.map((claims) => verdict(policy, target, claims))
}
