/** Decisions about random tokens of a small space, the evaluator's and the model's. */
import { type Decision, decide, decideByRules } from '../../src/decide.ts'
import type { Policy } from '../../src/policy.ts'
import type { Chance } from './chance.ts'
import { givenTo, type HoldsAny, holdsAnyOf, type IssuerRules, type Meaning, realFor } from './meaning.ts'
import type { ModelTarget } from './model.ts'
import { rawToken } from './raw-token.ts'
import type { Space } from './space.ts'

const TOKENS = 6

export function decisionFaults(
  policy: Policy,
  meaning: Meaning,
  spaces: ReadonlyMap<string, Space>,
  chance: Chance,
): { readonly decisions: number; readonly faults: readonly string[] } {
  const faults: string[] = []
  let decisions = 0
  for (const [issuer, space] of spaces) {
    const rules = meaning.rules.get(issuer)
    if (rules === undefined) continue
    for (let count = 0; count < TOKENS; count++) {
      const read = space.at(chance.below(space.size))
      const claims = rawToken(rules.issuer.kind, read, chance)
      if (claims === undefined) continue
      const real = realFor(rules, read)
      const holds = holdsAnyOf(read)
      for (const target of meaning.policy.targets) {
        const scopes = chance.yes(0.3) ? chance.some(Object.keys(target.scopes), 1, 2) : undefined
        const asked = scopes === undefined || scopes.length === 0 ? {} : { scopes }
        const request = { issuer, claims, target: target.name, ...asked }
        const byRules = real ? expected(meaning, rules, holds, target, asked.scopes) : 'profile'
        const locked = locks(meaning, issuer, holds, target, byRules) ? 'guardrail' : byRules
        const found = [short(decideByRules(policy, request)), short(decide(policy, request))]
        decisions += 2
        if (found[0] !== byRules || found[1] !== locked)
          faults.push(
            `${JSON.stringify(request)}: decided ${found.join(', ')}; by the model ${byRules}, ${locked}`,
          )
      }
    }
  }
  return { decisions, faults }
}

function short(decision: Decision): string {
  if (!decision.allowed) return decision.code
  return answer(decision.grants, decision.scopes, decision.seconds)
}

const answer = (grants: readonly string[], scopes: readonly string[], seconds: number) =>
  `${grants.join('+')} ${scopes.join('+')} ${seconds}s`

/** The answer of the rules alone, about a real token. */
function expected(
  meaning: Meaning,
  rules: IssuerRules,
  holds: HoldsAny,
  target: ModelTarget,
  asked: readonly string[] | undefined,
): string {
  const own = meaning.atoms.flatMap((atom, at) =>
    atom.target === target ? [{ scope: atom.scope, bit: 1 << at }] : [],
  )
  const all = own.reduce((sum, { bit }) => sum | bit, 0)
  const { grants, denied } = givenTo(rules, holds)
  if ((denied & all) !== 0) return 'denied'
  const matching = grants.filter(({ gives }) => (gives & all) !== 0)
  if (matching.length === 0) return 'no_grant'
  const lifetime = (bit: number) =>
    Math.max(0, ...matching.filter(({ gives }) => (gives & bit) !== 0).map(({ minutes }) => minutes * 60))
  const given = own.filter(({ scope, bit }) =>
    asked === undefined ? lifetime(bit) > 0 : asked.includes(scope ?? ''),
  )
  if (given.some(({ bit }) => lifetime(bit) === 0)) return 'scope'
  const scopes = given.map(({ scope }) => scope).filter((scope) => scope !== undefined)
  return answer(
    matching.map(({ name }) => name).toSorted(),
    scopes.toSorted(),
    Math.min(...given.map(({ bit }) => lifetime(bit))),
  )
}

/** The second lock: `never` and `only`, asked about what is about to be given. */
function locks(
  { atoms, guardrails }: Meaning,
  issuer: string,
  holds: HoldsAny,
  target: ModelTarget,
  answered: string,
): boolean {
  if (!answered.endsWith('s') || !answered.includes(' ')) return false
  const scopes = answered.split(' ')[1]?.split('+') ?? []
  return guardrails.some(({ guardrail, get, who }) => {
    if (guardrail.rule !== 'never' && guardrail.rule !== 'only') return false
    const meant = atoms.some(
      (atom, at) =>
        atom.target === target &&
        (get & (1 << at)) !== 0 &&
        (atom.scope === undefined || scopes.includes(atom.scope)),
    )
    return meant && holds(who.get(issuer) ?? []) === (guardrail.rule === 'never')
  })
}
