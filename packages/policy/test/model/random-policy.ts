/** Random policies: few rules about few claims, so that rules meet often and every token can be looked at. */
import type { Chance } from './chance.ts'
import { githubClaims, type ModelClaim, otherClaims } from './claims.ts'
import {
  type Alternative,
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
  const divided = chance.yes(0.35)
  // Many grants of one target are found by a tree instead of one after the other.
  const crowded = chance.yes(0.06)
  const [least, most] = crowded ? [12, 24] : [1, divided ? 6 : 5]
  const grants = Array.from({ length: chance.between(least, most) }, (_, at): ModelGrant => {
    const own = rule()
    const given = crowded ? targets.slice(0, 1) : chance.some(targets, 1, divided ? 1 : 2)
    const get = given.map((target) => randomGift(chance, target))
    const minutes = chance.one([5, 10, 20, 60])
    const claims = issuers.find(({ name }) => name === own.issuer)?.claims ?? []
    // Most grants of a divided policy keep the targets apart by one claim; the few others are its faults.
    const [first] = divided && chance.yes(0.8) ? given : []
    const who =
      first === undefined ? own.who : own.who.map((each) => onSide(each, claims, targets.indexOf(first)))
    return { name: `g${at}`, issuer: own.issuer, who, get, minutes }
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
  const made = Array.from({ length: chance.between(2, 6) }, (_, at) =>
    chance.yes(0.3)
      ? nearlyTrue(chance, `r${at}`, targets, grants)
      : randomGuardrail(chance, `r${at}`, targets, whom),
  )
  const guardrails = made.filter((guardrail) => guardrail !== undefined)
  if (divided) {
    const [get, other] = chance
      .some(targets, 2, 2)
      .map(({ name }): readonly Selector[] => [{ target: [name] }])
    if (get !== undefined && other !== undefined)
      guardrails.push({ name: 'two worlds', rule: 'apart', get, other })
  }
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

/** With the first claim that has so many values at this side's value. */
function onSide(alternative: Alternative, claims: readonly ModelClaim[], side: number): Alternative {
  const claim = claims.find(({ exact }) => exact.length > side)
  const value = claim?.exact[side]
  return claim === undefined || value === undefined ? alternative : limited(alternative, claim, value)
}

/** A condition more, unless the alternative speaks of the claim already. */
function limited(alternative: Alternative, claim: ModelClaim, value: string): Alternative {
  const [key] = claim.keys
  if (key === undefined || alternative.conditions.some((each) => each.claim === claim)) return alternative
  const condition = { ...key, claim, matcher: { is: 'exact', values: [value] } } as const
  return { ...alternative, conditions: [...alternative.conditions, condition] }
}

/** Made of what the grants say, so that it holds, or nearly: a prover that forgets one rule errs here. */
function nearlyTrue(
  chance: Chance,
  name: string,
  targets: readonly ModelTarget[],
  grants: readonly ModelGrant[],
): ModelGuardrail | undefined {
  const { target = '', scopes } = chance.one(grants).get[0] ?? {}
  const scope = scopes === undefined ? {} : { scope: chance.some(scopes, 1, 1) }
  const get = [{ target: [target], ...scope }]
  const atoms = atomsOf(targets).filter((atom) => selects(get, atom))
  const giving = grants.filter((grant) =>
    grant.get.some((gift) => atoms.some((atom) => atom.target.name === gift.target)),
  )
  const meant = giving.flatMap(({ issuer, who }) => who.map((alternative) => ({ issuer, alternative })))
  if (chance.yes(0.5)) {
    const some = chance.yes(0.5) ? meant : chance.some(meant, 1, meant.length)
    return { name, rule: 'only', who: some, get }
  }
  const usual = { owner: '9919', event: 'push' }
  const who = chance.some(meant, 1, 1).map(({ issuer, alternative }) => {
    if (issuer === 'robots') return { issuer, alternative }
    const full = Object.entries(usual).reduce((made, [key, value]) => {
      const claim = githubClaims.find(({ keys }) => keys[0]?.key === key)
      return claim === undefined ? made : limited(made, claim, value)
    }, alternative)
    return { issuer, alternative: full }
  })
  return { name, rule: 'always', who, get }
}
