/** Random conditions, rich in `absent`, `or_absent`, `not` and patterns. */
import type { Chance } from './chance.ts'
import type { ModelClaim } from './claims.ts'
import type { Alternative, Matcher, ModelCondition, Plain } from './model.ts'
import { type ModelBox, meets } from './reference.ts'

function plain(chance: Chance, claim: ModelClaim, prefix: string): Plain | undefined {
  const values = claim.exact.filter((value) => value.startsWith(prefix))
  const globs = claim.globs.filter((glob) => glob.startsWith(prefix))
  if (globs.length > 0 && (values.length === 0 || chance.yes(0.45)))
    return { is: 'like', globs: chance.some(globs, 1, 2) }
  return values.length === 0 ? undefined : { is: 'exact', values: chance.some(values, 1, 3) }
}

function matcher(chance: Chance, claim: ModelClaim, prefix: string): Matcher | undefined {
  // `absent` and `any` say nothing of a prefix: they belong to the claim as a whole.
  if (prefix === '' && claim.optional && chance.yes(0.2)) return { is: 'absent' }
  const said = claim.optional && chance.yes(0.6) ? { orAbsent: chance.yes(0.5) } : {}
  if (prefix === '' && chance.yes(0.05)) return { is: 'any', ...said }
  const found = plain(chance, claim, prefix)
  if (found === undefined) return undefined
  if (chance.yes(0.3)) {
    const orAbsent = claim.optional ? { orAbsent: chance.yes(0.5) } : {}
    return { is: 'not', inner: found, ...orAbsent }
  }
  return found.is === 'like' ? { ...found, ...said } : found
}

function condition(chance: Chance, claim: ModelClaim): ModelCondition | undefined {
  const { key, prefix } = chance.one(claim.keys)
  const found = matcher(chance, claim, prefix)
  return found && { claim, key, prefix, matcher: found }
}

/** Names that rules may use, of one issuer. */
export type Named = ReadonlyMap<string, readonly Alternative[]>

/** Does some value of each claim meet all that is said of it? A policy that says otherwise is refused when read. */
function possible(box: ModelBox): boolean {
  return box.every(({ claim }) => {
    const own = box.filter((each) => each.claim === claim)
    const values = [...(claim.optional ? [undefined] : []), ...claim.exact, ...claim.others]
    return values.some((value) => own.every((each) => meets(each, value)))
  })
}

function boxes({ use, conditions }: Alternative, named: Named): readonly ModelBox[] {
  const alternatives = use.map((name) => named.get(name) ?? [])
  return alternatives.reduce<readonly ModelBox[]>(
    (all, each) => all.flatMap((box) => each.map((other) => [...box, ...other.conditions])),
    [conditions],
  )
}

/** At least one condition or name; now and then two conditions on one claim, under two of its keys. */
export function randomAlternative(
  chance: Chance,
  claims: readonly ModelClaim[],
  named: Named,
  most: number,
): Alternative {
  const use = named.size > 0 && chance.yes(0.25) ? chance.some([...named.keys()], 1, 2) : []
  const chosen = chance.some(claims, use.length === 0 ? 1 : 0, most)
  const twice = chosen.filter((each) => each.keys.length > 1 && chance.yes(0.2))
  const made = [...chosen, ...twice].map((claim) => condition(chance, claim))
  const good = made.filter((each) => each !== undefined)
  const conditions = good.filter(({ key }, at) => good.findIndex((other) => other.key === key) === at)
  const alternative = { use, conditions }
  const says = conditions.length + use.length > 0
  if (says && possible(conditions) && boxes(alternative, named).some(possible)) return alternative
  return randomAlternative(chance, claims, named, most)
}

export function randomWho(
  chance: Chance,
  claims: readonly ModelClaim[],
  named: Named,
  most: number,
): readonly Alternative[] {
  return Array.from({ length: chance.yes(0.25) ? 2 : 1 }, () =>
    randomAlternative(chance, claims, named, most),
  )
}
