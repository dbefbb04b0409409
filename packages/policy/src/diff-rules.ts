/** diff-rules: targets and guardrails that are added, gone, or say something else than before. */

import { budgetText } from './budget.ts'
import type { GuardrailChange, TargetChange } from './changes.ts'
import { guardrailKey } from './content-key.ts'
import type { Policy, PolicyTarget } from './policy.ts'
import { requestText } from './requests.ts'
import { statementText } from './statements.ts'

export function targetChanges(before: Policy, after: Policy): readonly TargetChange[] {
  const names = new Set([...before.targets.keys(), ...after.targets.keys()])
  return [...names].flatMap((name) => {
    const [old, next] = [before.targets.get(name), after.targets.get(name)]
    if (old === undefined) return next === undefined ? [] : [whole(next, 'added')]
    if (next === undefined) return [whole(old, 'removed')]
    const [was, is] = [fieldsOf(old), fieldsOf(next)]
    return Object.keys(is).flatMap((field) => {
      const [one, other] = [was[field] ?? '', is[field] ?? '']
      if (one === other) return []
      // What leaves production matters as much as what enters it.
      const tier = old.tier === 'production' ? old.tier : next.tier
      return [{ target: name, tier, change: field, before: one, after: other }]
    })
  })
}

function whole(target: PolicyTarget, change: 'added' | 'removed'): TargetChange {
  const text = `${target.kind}, ${target.tier}, ${target.access}`
  const [before, after] = change === 'added' ? ['', text] : [text, '']
  return { target: target.name, tier: target.tier, change, before, after }
}

function fieldsOf({
  tier,
  access,
  maxSeconds,
  kind,
  settings,
  scopes,
  requests,
  held,
  record = 'refusals',
  budget,
  statements,
}: PolicyTarget): Readonly<Record<string, string>> {
  return {
    tier,
    access,
    max: `${maxSeconds} s`,
    record,
    budget: budgetText(budget),
    kind,
    settings: JSON.stringify(settings),
    scopes: [...scopes]
      .map(([scope, own]) => `${scope} (${own})`)
      .sort()
      .join(', '),
    requests: [...(requests ?? [])]
      .map(([scope, rules]) => `${scope}: ${rules.map(requestText).toSorted().join(', ')}`)
      .sort()
      .join('; '),
    hold: [...(held ?? [])].toSorted().join(', '),
    statements: [...(statements ?? [])]
      .map(([scope, rules]) => `${scope}: ${rules.map(statementText).toSorted().join(', ')}`)
      .sort()
      .join('; '),
  }
}

/** By name; one that only changed its name is `removed` and `added` to a reader, and changes nothing for a token. */
export function guardrailChanges(before: Policy, after: Policy): readonly GuardrailChange[] {
  const keys = (policy: Policy) => new Map(policy.guardrails.map((each) => [each.name, guardrailKey(each)]))
  const [old, next] = [keys(before), keys(after)]
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((guardrail): GuardrailChange[] => {
    const [was, is] = [old.get(guardrail), next.get(guardrail)]
    if (was === is) return []
    return [{ guardrail, change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed' }]
  })
}
