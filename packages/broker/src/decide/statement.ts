import {
  limitsResults,
  type StatementFacts,
  type StatementRule,
  type StatementVerdict,
  statementVerdict,
  statementWrites,
} from '@mayfly/policy/statements'
import type { PolicyInForce } from './policies.ts'

/** What a policy says of statements for tokens of some scopes. One value for one policy, target and scopes. */
export interface StatementTerms {
  /** Where names without a schema are looked up, if anywhere. */
  readonly schema: string | undefined
  /** Some rule limits or masks results. */
  readonly limited: boolean
  /** Some rule lets something change. */
  readonly mayWrite: boolean
  /** `scopes`: those of the target that would do, after a no. */
  judge(facts: StatementFacts): StatementVerdict & { readonly scopes?: readonly string[] }
}

const made = new WeakMap<PolicyInForce, Map<string, StatementTerms | undefined>>()

/** `undefined` where the target lists no statements: the rights of its role are all that counts. */
export function statementTerms(
  policy: PolicyInForce,
  target: string,
  scopes: readonly string[],
): StatementTerms | undefined {
  let terms = made.get(policy)
  if (terms === undefined) {
    terms = new Map()
    made.set(policy, terms)
  }
  const key = JSON.stringify([target, ...scopes])
  if (!terms.has(key)) terms.set(key, termsOf(policy, target, scopes))
  return terms.get(key)
}

function termsOf(
  { policy }: PolicyInForce,
  target: string,
  scopes: readonly string[],
): StatementTerms | undefined {
  const found = policy.targets.get(target)
  if (found === undefined)
    return {
      ...{ schema: undefined, limited: false, mayWrite: false },
      judge: () => ({ is: 'no', reason: 'the target is no longer in the policy' }),
    }
  const { statements, settings } = found
  if (statements === undefined) return undefined
  const own = scopes.flatMap((scope) => statements.get(scope) ?? [])
  const schema = schemaOf(settings)
  return {
    schema,
    limited: own.some(limitsResults),
    mayWrite: own.some(statementWrites),
    judge(facts) {
      const verdict = statementVerdict(own, facts, schema)
      if (verdict.is === 'yes') return verdict
      return { ...verdict, scopes: scopesThatWould(statements, own, facts, schema) }
    },
  }
}

function scopesThatWould(
  statements: ReadonlyMap<string, readonly StatementRule[]>,
  own: readonly StatementRule[],
  facts: StatementFacts,
  schema: string | undefined,
): readonly string[] {
  return [...statements]
    .filter(([, rules]) => statementVerdict([...own, ...rules], facts, schema).is === 'yes')
    .map(([scope]) => scope)
}

function schemaOf(settings: unknown): string | undefined {
  const found =
    typeof settings === 'object' && settings !== null && 'schema' in settings ? settings.schema : undefined
  return typeof found === 'string' ? found : undefined
}
