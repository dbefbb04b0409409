/**
 * All tokens of one issuer that a random policy can tell apart: of each claim that it names, one value for each way
 * in which its conditions can turn out, and missing.
 */
import { githubClaims, type ModelClaim, standardEvents } from './claims.ts'
import type { Meaning } from './meaning.ts'
import type { ModelCondition } from './model.ts'
import { type ClaimValue, completed, type ModelBox, meets, type ReadClaim } from './reference.ts'

interface Axis {
  readonly claim: string
  readonly values: readonly ClaimValue[]
}

export interface Space {
  readonly size: number
  /** Calls `visit` for each token until it says `false`. */
  each(visit: (read: ReadClaim, holds: (boxes: readonly ModelBox[]) => boolean) => boolean): void
  /** The token of this number. */
  at(number: number): ReadClaim
}

export function spaceOf(meaning: Meaning, issuer: string): Space {
  const rules = meaning.rules.get(issuer)
  if (rules === undefined) throw new Error(`no issuer ${issuer}`)
  const { kind } = rules.issuer
  const conditions = new Set(
    [
      ...[...rules.grants, ...rules.denies].flatMap(({ boxes }) => boxes),
      ...meaning.guardrails.flatMap(({ who }) => who.get(issuer) ?? []),
    ].flat(),
  )
  const claims = new Map([...conditions].map(({ claim }) => [claim.claim, claim]))
  const axes = [...claims].map(([name, claim]) =>
    axisOf(
      wholeClaim(name) ?? claim,
      [...conditions].filter((each) => each.claim.claim === name),
    ),
  )
  const size = axes.reduce((product, { values }) => product * values.length, 1)
  const readOf = (chosen: ArrayLike<number>): ReadClaim =>
    completed(kind, new Map(axes.map(({ claim, values }, at) => [claim, values[chosen[at] ?? 0]])))
  const at = (number: number): ReadClaim => {
    let rest = number
    return readOf(
      axes.map(({ values }) => {
        const chosen = rest % values.length
        rest = Math.floor(rest / values.length)
        return chosen
      }),
    )
  }
  return { size, at, each: (visit) => walk(axes, tablesOf(conditions, axes), readOf, visit) }
}

function wholeClaim(name: string): ModelClaim | undefined {
  return githubClaims.find(({ claim }) => claim === name)
}

function axisOf(claim: ModelClaim, conditions: readonly ModelCondition[]): Axis {
  const all: readonly ClaimValue[] = [...(claim.optional ? [undefined] : []), ...claim.exact, ...claim.others]
  const byKind = new Map<string, ClaimValue>()
  for (const value of all) {
    const kind = [classOf(claim.claim, value), ...conditions.map((each) => Number(meets(each, value)))].join()
    if (!byKind.has(kind)) byKind.set(kind, value)
  }
  return { claim: claim.claim, values: [...byKind.values()] }
}

/** What else GitHub's own relations tell apart. */
export function classOf(claim: string, value: ClaimValue): string {
  if (value === undefined) return 'missing'
  if (claim === 'ref') return value.split('/')[1] ?? ''
  if (claim === 'event_name') return standardEvents.includes(value) ? 'standard' : ''
  if (claim === 'runner_environment') return /^(github|self)-hosted$/.test(value) ? 'hosted' : ''
  return claim === 'ref_type' ? value : ''
}

/** For each condition, the axis that it asks and the answer for each of its values. */
type Tables = ReadonlyMap<ModelCondition, { readonly axis: number; readonly answers: readonly boolean[] }>

function tablesOf(conditions: Iterable<ModelCondition>, axes: readonly Axis[]): Tables {
  return new Map(
    [...conditions].map((condition) => {
      const axis = axes.findIndex(({ claim }) => claim === condition.claim.claim)
      return [condition, { axis, answers: axes[axis]?.values.map((value) => meets(condition, value)) ?? [] }]
    }),
  )
}

function walk(
  axes: readonly Axis[],
  tables: Tables,
  readOf: (chosen: ArrayLike<number>) => ReadClaim,
  visit: Parameters<Space['each']>[0],
): void {
  const chosen = new Uint8Array(axes.length)
  const compiled = new Map<
    readonly ModelBox[],
    readonly (readonly { axis: number; answers: readonly boolean[] }[])[]
  >()
  const compile = (boxes: readonly ModelBox[]) => {
    const made = boxes.map((box) => box.map((condition) => tables.get(condition) ?? { axis: 0, answers: [] }))
    compiled.set(boxes, made)
    return made
  }
  const holds = (boxes: readonly ModelBox[]): boolean =>
    (compiled.get(boxes) ?? compile(boxes)).some((box) =>
      box.every(({ axis, answers }) => answers[chosen[axis] ?? 0]),
    )
  for (;;) {
    if (!visit((claim) => readOf(chosen)(claim), holds)) return
    let at = 0
    for (; at < axes.length; at++) {
      chosen[at] = (chosen[at] ?? 0) + 1
      if ((chosen[at] ?? 0) < (axes[at]?.values.length ?? 0)) break
      chosen[at] = 0
    }
    if (at === axes.length) return
  }
}
