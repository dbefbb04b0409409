/**
 * Three engines that give the same answers: ours, Cedar (policies parsed beforehand) and CEL (an expression a grant).
 * Only ours also checks that the token's claims are such as the platform makes: that is most of its time.
 */
import { createRequire } from 'node:module'
import { decide } from '@mayfly/policy/decide'
import type { Policy } from '@mayfly/policy/policy'
import type { Ask, SampleGrant } from './sample.ts'

export type Engine = (ask: Ask) => boolean

const peers = createRequire(new URL('../peers/package.json', import.meta.url))
const events = ['push', 'schedule', 'workflow_dispatch', 'release']

export function mayfly(policy: Policy): Engine {
  return ({ claims, target }) => decide(policy, { issuer: 'github', claims, target }).allowed
}

interface CedarWasm {
  preparsePolicySet(name: string, policies: object): { readonly type: string }
  statefulIsAuthorized(call: object): {
    readonly type: string
    readonly response?: { readonly decision: string }
  }
}

/** Repository and target stand where Cedar looks first; the rest are conditions. */
export function cedar(grants: readonly SampleGrant[]): Engine {
  const engine = peers('@cedar-policy/cedar-wasm/nodejs') as CedarWasm
  const permits = grants.map(
    ({ repositoryId, ref, environment, target }) =>
      `permit(principal == Repository::"${repositoryId}", action == Action::"get", resource == Target::"${target}") when {
        context.repository_owner_id == "9919" && context.ref == "${ref}" && context.environment == "${environment}" &&
        ${JSON.stringify(events)}.contains(context.event_name) };`,
  )
  const forbids = [
    'forbid(principal, action, resource) unless { context.runner_environment == "github-hosted" };',
    'forbid(principal, action, resource) when { context.repository_visibility == "public" };',
  ]
  const name = `grants-${grants.length}`
  const parsed = engine.preparsePolicySet(name, { staticPolicies: [...permits, ...forbids].join('\n') })
  if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed))
  return ({ claims, target }) => {
    const answer = engine.statefulIsAuthorized({
      principal: { type: 'Repository', id: claims['repository_id'] },
      action: { type: 'Action', id: 'get' },
      resource: { type: 'Target', id: target },
      context: claims,
      entities: [],
      preparsedPolicySetId: name,
    })
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer))
    return answer.response?.decision === 'allow'
  }
}

type Expression = (context: object) => unknown

/** CEL knows no set of policies: a grant is an expression, and those of the target are tried in turn. */
export async function cel(grants: readonly SampleGrant[]): Promise<Engine> {
  const { parse } = (await import(peers.resolve('@marcbachmann/cel-js'))) as {
    parse(text: string): Expression
  }
  const denied = parse('c.runner_environment != "github-hosted" || c.repository_visibility == "public"')
  const byTarget = Map.groupBy(grants, ({ target }) => target)
  const expressions = new Map(
    [...byTarget].map(([target, own]) => [
      target,
      own.map(({ repositoryId, ref, environment }) =>
        parse(
          `c.repository_id == "${repositoryId}" && c.repository_owner_id == "9919" && c.ref == "${ref}" && ` +
            `c.environment == "${environment}" && c.event_name in ${JSON.stringify(events)}`,
        ),
      ),
    ]),
  )
  return ({ claims, target }) => {
    const context = { c: claims }
    if (denied(context) === true) return false
    return expressions.get(target)?.some((expression) => expression(context) === true) ?? false
  }
}
