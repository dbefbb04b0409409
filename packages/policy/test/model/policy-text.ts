/** The text of a random policy, as its author would have written it (YAML has JSON inside). */
import { githubClaims } from './claims.ts'
import type {
  Alternative,
  Matcher,
  ModelCondition,
  ModelGuardrail,
  ModelPolicy,
  ModelTarget,
  Plain,
  Selector,
} from './model.ts'

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json }

/** Names to ids, as `mayfly policy lock` writes them. */
export const lockText = JSON.stringify(
  Object.fromEntries(
    (['repository_owner_id', 'repository_id', 'actor_id'] as const).map((name, at) => {
      const names = githubClaims.find(({ claim }) => claim === name)?.names ?? {}
      const section = ['owners', 'repos', 'users'][at] ?? ''
      return [section, Object.fromEntries(Object.entries(names).map(([id, each]) => [each, Number(id)]))]
    }),
  ),
)

export function policyText(policy: ModelPolicy): string {
  const several = policy.issuers.length > 1
  const issuerOf = (name: string) => (several ? { issuer: name } : {})
  return JSON.stringify({
    version: 1,
    baseline: policy.baseline ? 'on' : 'off',
    issuers: Object.fromEntries(policy.issuers.map((issuer) => [issuer.name, issuerJson(issuer)])),
    who: Object.fromEntries([...policy.named].map(([name, { who }]) => [name, who.map(alternativeJson)])),
    targets: Object.fromEntries(policy.targets.map((target) => [target.name, targetJson(target)])),
    grants: policy.grants.map(({ name, issuer, who, get, minutes }) => ({
      name,
      ...issuerOf(issuer),
      who: whoJson(who),
      get: get.map(({ target, scopes }) => (scopes === undefined ? target : { target, scopes })),
      for: `${minutes}m`,
    })),
    deny: policy.denies.map(({ name, issuer, who, get }) => ({
      name,
      ...issuerOf(issuer),
      who: whoJson(who),
      ...(get && { get }),
    })),
    guardrails: policy.guardrails.map((guardrail) => guardrailJson(guardrail, several)),
  })
}

function issuerJson({ name, kind, owners, claims }: ModelPolicy['issuers'][number]): Json {
  if (kind === 'oidc') return { kind, claims: claims.map(({ claim }) => claim) }
  const names = githubClaims.find(({ claim }) => claim === 'repository_owner_id')?.names ?? {}
  const own = { owners: owners.map((id) => names[id] ?? id), properties: ['team'] }
  return name === kind ? own : { kind, ...own }
}

function targetJson({ name, tier, kind, access, scopes }: ModelTarget): Json {
  if (kind === 'secret') return { tier, access, secret: name }
  return { tier, token: { audience: `https://${name}.example`, scopes } }
}

function whoJson(who: readonly Alternative[]): Json {
  const [only, second] = who.map(alternativeJson)
  return only !== undefined && second === undefined ? only : who.map(alternativeJson)
}

function alternativeJson({ use, conditions }: Alternative): Json {
  const pairs = conditions.map((each) => [each.key, matcherJson(each)] as const)
  return { ...Object.fromEntries(pairs), ...(use.length > 0 && { use: [...use] }) }
}

function matcherJson(condition: ModelCondition): Json {
  const { matcher } = condition
  const said = (given: Matcher): { readonly [key: string]: Json } =>
    'orAbsent' in given && given.orAbsent !== undefined ? { or_absent: given.orAbsent } : {}
  if (matcher.is === 'absent') return { absent: true }
  if (matcher.is === 'any') return { any: true, ...said(matcher) }
  if (matcher.is === 'not') return { not: plainJson(matcher.inner, condition), ...said(matcher) }
  if (matcher.is === 'exact') return plainJson(matcher, condition)
  return { like: written(matcher.globs, condition), ...said(matcher) }
}

function plainJson(plain: Plain, condition: ModelCondition): Json {
  return plain.is === 'exact' ? written(plain.values, condition) : { like: written(plain.globs, condition) }
}

function written(values: readonly string[], { claim, prefix }: ModelCondition): Json {
  const texts = values.map((value) => claim.names?.[value] ?? value.slice(prefix.length))
  const [only, second] = texts
  return only !== undefined && second === undefined ? only : texts
}

function guardrailJson(guardrail: ModelGuardrail, several: boolean): Json {
  const { name, rule } = guardrail
  if (rule === 'apart') return { name, apart: [selection(guardrail.get), selection(guardrail.other)] }
  const get = selection(guardrail.get)
  if (rule === 'max') return { name, max: `${guardrail.minutes}m`, get }
  const who = guardrail.who.map(({ issuer, alternative }) => {
    const json = alternativeJson(alternative)
    return several ? { issuer, ...(json as { readonly [key: string]: Json }) } : json
  })
  return { name, [rule]: who, get }
}

function selection(selectors: readonly Selector[]): Json {
  return selectors.map((selector) =>
    Object.fromEntries(Object.entries(selector).map(([part, values]) => [part, [...values]])),
  )
}
