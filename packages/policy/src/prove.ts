/**
 * prove: does each guardrail hold for every token that intake could accept? The answer is a proof with its reasons,
 * or one token that breaks the guardrail and that the evaluator has confirmed. It asks the same sets as `decide` and
 * knows nothing else about claims. `load` runs it; a policy that is not proved is not used.
 */
import { combinationsMade, TooLarge } from './automaton.ts'
import type { Box } from './box.ts'
import { type Counterexample, confirmed } from './counterexample.ts'
import { denyBoxes, type GivingBox, givingBoxes, type Regions } from './giving.ts'
import { pairsThatMeet } from './pairs.ts'
import type { Policy, PolicyGuardrail, PolicyIssuer, Selection } from './policy.ts'
import { type Found, findOutside, type Region, regionOf } from './search.ts'

/** Why one grant cannot break the guardrail with one target. */
export interface Certificate {
  readonly grant: string
  readonly target: string
  readonly because: string
}

export type Proof = { readonly guardrail: PolicyGuardrail } & (
  | { readonly outcome: 'proved'; readonly certificates: readonly Certificate[] }
  | { readonly outcome: 'refuted'; readonly counterexample: Counterexample }
  /** The budget ran out, or evaluator and prover disagree: not proved. */
  | { readonly outcome: 'unknown'; readonly reason: string }
)

type Outcome =
  | Omit<Extract<Proof, { outcome: 'proved' }>, 'guardrail'>
  | Omit<Extract<Proof, { outcome: 'refuted' }>, 'guardrail'>
  | Omit<Extract<Proof, { outcome: 'unknown' }>, 'guardrail'>

/** Automata that one `apart` may make: a few seconds. */
const MOST_COMBINATIONS = 50_000

/** A proof, or the lack of one, for each guardrail of the policy. */
export function provePolicy(policy: Policy): readonly Proof[] {
  const regions: Regions = new Map()
  return policy.guardrails.map(
    (guardrail) => ({ guardrail, ...proveWithin(policy, guardrail, regions) }) as Proof,
  )
}

function proveWithin(policy: Policy, guardrail: PolicyGuardrail, regions: Regions): Outcome {
  try {
    return prove(policy, guardrail, regions)
  } catch (thrown) {
    if (thrown instanceof TooLarge)
      return { outcome: 'unknown', reason: 'its patterns are too large together' }
    throw thrown
  }
}

function prove(policy: Policy, guardrail: PolicyGuardrail, regions: Regions): Outcome {
  if (guardrail.rule === 'max') return proveMax(policy, guardrail)
  if (guardrail.rule === 'apart') return proveApart(policy, guardrail, regions)
  if (guardrail.rule === 'always') return proveAlways(policy, guardrail)
  const certificates: Certificate[] = []
  for (const giving of givingBoxes(policy, guardrail.get, regions)) {
    const boxes = guardrail.who.get(giving.issuer.name) ?? []
    const open =
      guardrail.rule === 'never' ? neverBroken(policy, giving, boxes) : [onlyBroken(policy, giving, boxes)]
    for (const { found, because } of open) {
      if (found.is === 'nothing')
        certificates.push({ grant: giving.grant.name, target: giving.gift.target.name, because })
      else return broken(policy, guardrail, [giving], found)
    }
  }
  return { outcome: 'proved', certificates }
}

interface Tried {
  readonly found: Found
  readonly because: string
}

const apart = (claim: string): Tried => ({
  found: { is: 'nothing', pieces: 0 },
  because: `differs on ${claim}`,
})

/** Of those whom the guardrail keeps out, one for each of its boxes. */
function neverBroken(policy: Policy, giving: GivingBox, boxes: readonly Box[]): readonly Tried[] {
  return boxes.map((box) => {
    const both = regionOf([box], giving.issuer, giving.region)
    return both.region === undefined ? apart(both.claim) : outside(policy, [giving], both.region, [])
  })
}

/** Of those whom the guardrail does not let in. */
function onlyBroken(policy: Policy, giving: GivingBox, boxes: readonly Box[]): Tried {
  return outside(policy, [giving], giving.region, boxes)
}

/** A token of the region that is real, that no deny rule refuses, and that `others` do not match. */
function outside(
  policy: Policy,
  giving: readonly GivingBox[],
  region: Region,
  others: readonly Box[],
): Tried {
  const [first] = giving
  if (first === undefined) return apart('nothing')
  const { issuer } = first
  const denies = giving.flatMap(({ gift }) => denyBoxes(policy, issuer, gift.target.name))
  const found = findOutside(
    region,
    [...others, ...issuer.schema.profile.map(({ box }) => box), ...denies],
    issuer,
  )
  const pieces = found.is === 'nothing' ? found.pieces : 0
  const by = others.length > 0 ? 'is inside what the guardrail allows, or denied' : 'is denied'
  return { found, because: `${by} (${pieces} ${pieces === 1 ? 'case' : 'cases'})` }
}

function proveMax(policy: Policy, guardrail: Extract<PolicyGuardrail, { rule: 'max' }>): Outcome {
  const certificates: Certificate[] = []
  for (const giving of givingBoxes(policy, guardrail.get)) {
    const { grant, gift } = giving
    // A long grant that is denied to everybody gives nobody anything: P021 is its fault, not this.
    const long = grant.seconds > guardrail.seconds
    const { found, because } = long
      ? outside(policy, [giving], giving.region, [])
      : { found: undefined, because: `lives ${grant.seconds} s` }
    if (found !== undefined && found.is !== 'nothing') return broken(policy, guardrail, [giving], found)
    certificates.push({ grant: grant.name, target: gift.target.name, because })
  }
  return { outcome: 'proved', certificates }
}

function proveApart(
  policy: Policy,
  guardrail: Extract<PolicyGuardrail, { rule: 'apart' }>,
  regions: Regions,
): Outcome {
  const certificates: Certificate[] = []
  const ours = givingBoxes(policy, guardrail.get, regions)
  const theirs = givingBoxes(policy, guardrail.other, regions)
  const begun = combinationsMade()
  for (const [one, other] of pairsThatMeet(ours, theirs)) {
    // Pairs that listed values or beginnings keep apart cost next to nothing, however many they are.
    if (combinationsMade() - begun > MOST_COMBINATIONS) {
      return { outcome: 'unknown', reason: `its patterns meet in more than ${MOST_COMBINATIONS} ways` }
    }
    const both = regionOf([other.box], one.issuer, one.region)
    if (both.region === undefined) continue
    const { found, because } = outside(policy, [one, other], both.region, [])
    if (found.is !== 'nothing') return broken(policy, guardrail, [one, other], found)
    certificates.push({
      grant: `${one.grant.name} and ${other.grant.name}`,
      target: one.gift.target.name,
      because,
    })
  }
  return { outcome: 'proved', certificates }
}

function proveAlways(policy: Policy, guardrail: Extract<PolicyGuardrail, { who: unknown }>): Outcome {
  const giving = givingBoxes(policy, guardrail.get)
  const certificates: Certificate[] = []
  for (const [name, boxes] of guardrail.who) {
    const issuer = policy.issuers.get(name)
    if (issuer === undefined) continue
    for (const gift of everyGift(guardrail.get)) {
      const grants = giving
        .filter((each) => each.issuer === issuer && gives(each, gift))
        .map(({ box }) => box)
      for (const box of boxes) {
        const found = refusedAlways(policy, box, gift.target, grants, issuer)
        if (found.is !== 'nothing') return broken(policy, guardrail, [], found, { issuer, ...gift })
        certificates.push({ grant: 'all', target: gift.target, because: `gives it (${found.pieces} cases)` })
      }
    }
  }
  return { outcome: 'proved', certificates }
}

interface SelectedGift {
  readonly target: string
  readonly scope: string | undefined
}

function everyGift(get: Selection): readonly SelectedGift[] {
  return [...get].flatMap(([target, scopes]): readonly SelectedGift[] =>
    scopes === undefined ? [{ target, scope: undefined }] : [...scopes].map((scope) => ({ target, scope })),
  )
}

function gives(giving: GivingBox, { target, scope }: SelectedGift): boolean {
  return giving.gift.target.name === target && (scope === undefined || giving.gift.scopes.includes(scope))
}

/** A token of the box that no grant gives the target to, or that a deny rule refuses. */
function refusedAlways(
  policy: Policy,
  box: Box,
  target: string,
  grants: readonly Box[],
  issuer: PolicyIssuer,
): Found {
  const whole = regionOf([box], issuer).region
  if (whole === undefined) return { is: 'nothing', pieces: 0 }
  const unreal = issuer.schema.profile.map((rule) => rule.box)
  const ungranted = findOutside(whole, [...unreal, ...grants], issuer)
  if (ungranted.is !== 'nothing') return ungranted
  let { pieces } = ungranted
  for (const deny of denyBoxes(policy, issuer, target)) {
    const both = regionOf([deny], issuer, whole).region
    const found = both && findOutside(both, unreal, issuer)
    if (found !== undefined && found.is !== 'nothing') return found
    pieces += found?.pieces ?? 0
  }
  return { is: 'nothing', pieces }
}

function broken(
  policy: Policy,
  guardrail: PolicyGuardrail,
  giving: readonly GivingBox[],
  found: Found,
  refused?: SelectedGift & { readonly issuer: PolicyIssuer },
): Outcome {
  if (found.is !== 'token')
    return { outcome: 'unknown', reason: 'the proof would need more than 200,000 cases' }
  const counterexample = confirmed(policy, guardrail, giving, found, refused)
  if (counterexample !== undefined) return { outcome: 'refuted', counterexample }
  return {
    outcome: 'unknown',
    reason: 'evaluator and prover disagree about a token; please report this policy',
  }
}
