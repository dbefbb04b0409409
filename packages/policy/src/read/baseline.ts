/**
 * baseline: guardrails of every policy that does not say `baseline: off`. They are "production never borrows staging
 * keys" without a line written: the prover treats them like any other.
 */
import type { Box } from '../box.ts'
import { box } from '../box.ts'
import { literals } from '../lang.ts'
import type { PolicyGuardrail, PolicyIssuer } from '../policy.ts'
import type { Place } from '../problem.ts'
import type { Targets } from './rules.ts'
import { selectWhere } from './selector.ts'

const HOUR = 3600
const tiers = ['production', 'staging', 'sandbox']

export function baselineGuardrails(
  issuers: readonly PolicyIssuer[],
  targets: Targets,
  place: Place,
): readonly PolicyGuardrail[] {
  const head = { place, baseline: true }
  const present = tiers.filter((tier) => selectWhere(targets, (own) => own === tier).size > 0)
  const pairs = present.flatMap((tier, at) => present.slice(at + 1).map((other) => [tier, other] as const))
  const apart = pairs.map(
    ([tier, other]): PolicyGuardrail => ({
      ...head,
      name: `baseline: ${tier} and ${other} never meet in one job`,
      rule: 'apart',
      get: selectWhere(targets, (own) => own === tier),
      other: selectWhere(targets, (own) => own === other),
    }),
  )
  const writes = selectWhere(targets, (tier, access) => tier === 'production' && access !== 'read')
  const who = new Map(
    issuers.map((issuer) => [issuer.name, strangers(issuer)] as const).filter(([, all]) => all.length > 0),
  )
  const never: readonly PolicyGuardrail[] =
    writes.size === 0 || who.size === 0
      ? []
      : [
          {
            ...head,
            name: 'baseline: proposals and outsiders never write to production',
            rule: 'never',
            who,
            get: writes,
          },
        ]
  const production = selectWhere(targets, (tier) => tier === 'production')
  const max: readonly PolicyGuardrail[] =
    production.size === 0
      ? []
      : [
          {
            ...head,
            name: 'baseline: production credentials live an hour at most',
            rule: 'max',
            seconds: HOUR,
            get: production,
          },
        ]
  return [...never, ...apart, ...max]
}

/** Jobs that a person without write access can cause, or whose steps a proposed change brings along. */
function strangers({ schema }: PolicyIssuer): readonly Box[] {
  const { event } = schema.parts
  if (event === undefined) return []
  const values = [...new Set([...event.proposal, ...event.outsider])]
  if (values.length === 0) return []
  const lang = literals(values)
  return [box({ claim: event.claim, lang, needed: `one of ${values.join(', ')}`, names: [], sayings: [] })]
}
