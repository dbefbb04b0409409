/** What a random policy gives to a token, and which of its guardrails that breaks. */
import { strangersEvents } from './claims.ts'
import {
  type Atom,
  atomsOf,
  type ModelGuardrail,
  type ModelIssuer,
  type ModelPolicy,
  type Selector,
  selects,
} from './model.ts'
import { boxesOf, grantBoxes, isReal, type ModelBox, meets, type ReadClaim } from './reference.ts'

/** Sets of things that can be given are bits of a number. */
export interface Meaning {
  readonly policy: ModelPolicy
  readonly atoms: readonly Atom[]
  readonly rules: ReadonlyMap<string, IssuerRules>
  readonly guardrails: readonly Watch[]
}

export interface IssuerRules {
  readonly issuer: ModelIssuer
  readonly grants: readonly {
    readonly name: string
    readonly boxes: readonly ModelBox[]
    readonly gives: number
    readonly minutes: number
  }[]
  readonly denies: readonly { readonly boxes: readonly ModelBox[]; readonly from: number }[]
}

/** A guardrail, ready to be asked about a token. */
export interface Watch {
  readonly guardrail: ModelGuardrail
  readonly get: number
  readonly other: number
  readonly who: ReadonlyMap<string, readonly ModelBox[]>
}

export function meaningOf(policy: ModelPolicy): Meaning {
  const atoms = atomsOf(policy.targets)
  const bits = (wanted: (atom: Atom) => boolean) =>
    atoms.reduce((sum, atom, at) => (wanted(atom) ? sum | (1 << at) : sum), 0)
  const selected = (selectors: readonly Selector[]) => bits((atom) => selects(selectors, atom))
  const rules = policy.issuers.map((issuer): [string, IssuerRules] => {
    const grants = policy.grants
      .filter((grant) => grant.issuer === issuer.name)
      .map(({ name, who, get, minutes }) => ({
        name,
        minutes,
        boxes: grantBoxes(who, issuer, policy),
        gives: bits(({ target, scope }) =>
          get.some((gift) => gift.target === target.name && (gift.scopes?.includes(scope ?? '') ?? true)),
        ),
      }))
    const denies = policy.denies
      .filter((deny) => deny.issuer === issuer.name)
      .map(({ who, get }) => ({
        boxes: who.flatMap((each) => boxesOf(each, policy)),
        from: bits(({ target }) => get?.includes(target.name) ?? true),
      }))
    return [issuer.name, { issuer, grants, denies }]
  })
  const guardrails = [...policy.guardrails, ...baselineOf(policy)]
    .map((guardrail): Watch => {
      const who = new Map<string, readonly ModelBox[]>()
      if ('who' in guardrail) {
        for (const { issuer, alternative } of guardrail.who)
          who.set(issuer, [...(who.get(issuer) ?? []), ...boxesOf(alternative, policy)])
      }
      const other = guardrail.rule === 'apart' ? selected(guardrail.other) : 0
      return { guardrail, get: selected(guardrail.get), other, who }
    })
    .filter(({ get }) => get !== 0)
  return { policy, atoms, rules: new Map(rules), guardrails }
}

/** Section 4.8 of the design: guardrails that nobody has to write. */
function baselineOf({ baseline, issuers, targets }: ModelPolicy): readonly ModelGuardrail[] {
  if (!baseline) return []
  const tiers = ['production', 'staging', 'sandbox'].filter((tier) =>
    targets.some((each) => each.tier === tier),
  )
  const apart = tiers.flatMap((tier, at) =>
    tiers.slice(at + 1).map(
      (other): ModelGuardrail => ({
        name: `baseline: ${tier} and ${other} never meet in one job`,
        rule: 'apart',
        get: [{ tier: [tier] }],
        other: [{ tier: [other] }],
      }),
    ),
  )
  const who = issuers.flatMap(({ name, kind, claims }) => {
    const event = claims.find(({ claim }) => claim === 'event_name') ?? { ...eventClaim }
    const condition = {
      claim: event,
      key: 'event',
      prefix: '',
      matcher: { is: 'exact', values: strangersEvents },
    } as const
    return kind === 'github' ? [{ issuer: name, alternative: { use: [], conditions: [condition] } }] : []
  })
  const production = { tier: ['production'] }
  return [
    {
      name: 'baseline: proposals and outsiders never write to production',
      rule: 'never',
      who,
      get: [{ ...production, access: ['write', 'admin'] }],
    },
    ...apart,
    {
      name: 'baseline: production credentials live an hour at most',
      rule: 'max',
      minutes: 60,
      get: [production],
    },
  ]
}

const eventClaim = { claim: 'event_name', keys: [], optional: false, exact: [], globs: [], others: [] }

/** Asks one token about a list of boxes. */
export type HoldsAny = (boxes: readonly ModelBox[]) => boolean

export function holdsAnyOf(read: ReadClaim): HoldsAny {
  return (boxes) =>
    boxes.some((box) => box.every((condition) => meets(condition, read(condition.claim.claim))))
}

export interface Given {
  /** Bits of what the token gets. */
  readonly granted: number
  readonly denied: number
  /** The grants that match, whatever the deny rules say. */
  readonly grants: IssuerRules['grants']
}

/** Without looking whether the token is real. */
export function givenTo({ grants, denies }: IssuerRules, holds: HoldsAny): Given {
  let granted = 0
  let denied = 0
  for (const deny of denies) if ((deny.from & ~denied) !== 0 && holds(deny.boxes)) denied |= deny.from
  const matching = grants.filter(({ boxes }) => holds(boxes))
  for (const grant of matching) granted |= grant.gives
  return { granted: granted & ~denied, denied, grants: matching }
}

/** Does a real token with these gifts break the guardrail? */
export function breaks(watch: Watch, issuer: string, given: Given, holds: HoldsAny): boolean {
  const { guardrail, get, other, who } = watch
  const got = given.granted & get
  const meant = () => holds(who.get(issuer) ?? [])
  switch (guardrail.rule) {
    case 'never':
      return got !== 0 && meant()
    case 'only':
      return got !== 0 && !meant()
    case 'always':
      return got !== get && meant()
    case 'apart':
      return got !== 0 && (given.granted & other) !== 0
    case 'max':
      return given.grants.some((grant) => grant.minutes > guardrail.minutes && (grant.gives & got) !== 0)
  }
}

export function realFor({ issuer }: IssuerRules, read: ReadClaim): boolean {
  return isReal(issuer.kind, read)
}
