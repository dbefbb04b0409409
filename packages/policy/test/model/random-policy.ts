/** Random policies: few rules about few claims, so that rules meet often and every token can be looked at. */
import type { Chance } from './chance.ts'
import { githubClaims, type ModelClaim, otherClaims } from './claims.ts'
import {
  atomsOf,
  type ModelDeny,
  type ModelGrant,
  type ModelGuardrail,
  type ModelIssuer,
  type ModelPolicy,
  type ModelTarget,
  type ModelWho,
  type Selector,
  selects,
} from './model.ts'
import { randomAlternative, randomWho } from './random-who.ts'

const tiers = ['production', 'staging', 'sandbox', 'shared']
const accesses = ['read', 'write', 'admin']

export function randomPolicy(chance: Chance): ModelPolicy {
  const baseline = chance.yes(0.15)
  const issuers = randomIssuers(chance, baseline)
  const targets = randomTargets(chance)
  const named = new Map(
    issuers.flatMap(({ name, claims }) =>
      [`${name}-one`, `${name}-two`].map(
        (key) => [key, { issuer: name, who: randomWho(chance, claims, new Map(), 2) }] as const,
      ),
    ),
  )
  const namesOf = (issuer: string) =>
    new Map([...named].filter(([, own]) => own.issuer === issuer).map(([key, { who }]) => [key, who]))
  const rule = () => {
    const { name, claims } = chance.one(issuers)
    return { issuer: name, who: randomWho(chance, claims, namesOf(name), 3) }
  }
  const grants = Array.from({ length: chance.between(1, 5) }, (_, at): ModelGrant => {
    const get = chance.some(targets, 1, 2).map((target) => randomGift(chance, target))
    return { name: `g${at}`, ...rule(), get, minutes: chance.one([5, 10, 20, 60]) }
  })
  const denies = Array.from({ length: chance.between(0, 4) }, (_, at): ModelDeny => {
    const get = chance.yes(0.4) ? undefined : chance.some(targets, 1, 2).map(({ name }) => name)
    return { name: `d${at}`, ...rule(), get }
  })
  const whom = (): ModelWho =>
    chance.some(issuers, 1, 2).flatMap(({ name, claims }) =>
      Array.from({ length: chance.between(1, 2) }, () => ({
        issuer: name,
        alternative: randomAlternative(chance, claims, namesOf(name), 2),
      })),
    )
  const guardrails = Array.from({ length: chance.between(2, 6) }, (_, at) =>
    randomGuardrail(chance, `r${at}`, targets, whom),
  ).filter((guardrail) => guardrail !== undefined)
  return { issuers, named, targets, grants, denies, guardrails, baseline }
}

function randomIssuers(chance: Chance, baseline: boolean): readonly ModelIssuer[] {
  const pool = (most: number): readonly ModelClaim[] => {
    const whose = githubClaims.slice(0, 3)
    return [...chance.some(whose, 1, 2), ...chance.some(githubClaims.slice(3), 1, most)]
  }
  const owners = () => (chance.yes(0.3) ? ['9919', '9920'] : ['9919'])
  const first: ModelIssuer = {
    name: 'github',
    kind: 'github',
    owners: owners(),
    claims: pool(baseline ? 2 : 3),
  }
  if (chance.yes(0.5)) return [first]
  const second: ModelIssuer = chance.yes(0.5)
    ? { name: 'other', kind: 'github', owners: owners(), claims: pool(2) }
    : { name: 'robots', kind: 'oidc', owners: [], claims: otherClaims }
  return [first, second]
}

function randomTargets(chance: Chance): readonly ModelTarget[] {
  return ['alpha', 'beta', 'gamma'].slice(0, chance.between(2, 3)).map((name): ModelTarget => {
    const tier = chance.one(tiers)
    if (chance.yes(0.6)) return { name, tier, kind: 'secret', access: chance.one(accesses), scopes: {} }
    const scopes = Object.fromEntries(
      ['look', 'change', 'rule'].slice(0, chance.between(2, 3)).map((scope) => [scope, chance.one(accesses)]),
    )
    return { name, tier, kind: 'token', access: '', scopes }
  })
}

function randomGift(chance: Chance, { name, scopes }: ModelTarget): ModelGrant['get'][number] {
  const all = Object.keys(scopes)
  const few = all.length > 0 && chance.yes(0.6)
  return { target: name, scopes: few ? chance.some(all, 1, all.length - 1) : undefined }
}

function randomSelectors(chance: Chance, targets: readonly ModelTarget[]): readonly Selector[] {
  const atoms = atomsOf(targets)
  return Array.from({ length: chance.yes(0.2) ? 2 : 1 }, (): Selector => {
    // Made of something that there is: a selector of nothing is an error.
    const { target, scope } = chance.one(atoms)
    const access = scope === undefined ? target.access : (target.scopes[scope] ?? '')
    const parts: readonly Selector[] = [
      { target: [target.name] },
      { tier: [target.tier] },
      { access: [access] },
      { tier: [target.tier], access: [access] },
      { kind: [target.kind] },
      ...(scope === undefined ? [] : [{ scope: [scope] }, { target: [target.name], scope: [scope] }]),
    ]
    return chance.one(parts)
  })
}

function randomGuardrail(
  chance: Chance,
  name: string,
  targets: readonly ModelTarget[],
  whom: () => ModelWho,
): ModelGuardrail | undefined {
  const get = randomSelectors(chance, targets)
  const rule = chance.one(['never', 'never', 'only', 'only', 'always', 'apart', 'apart', 'max'] as const)
  if (rule === 'max') return { name, rule, minutes: chance.one([5, 10, 20]), get }
  if (rule !== 'apart') return { name, rule, who: whom(), get }
  const other = randomSelectors(chance, targets)
  const overlap = atomsOf(targets).some((atom) => selects(get, atom) && selects(other, atom))
  return overlap ? undefined : { name, rule, get, other }
}
