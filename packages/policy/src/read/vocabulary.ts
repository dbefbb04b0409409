/** vocabulary: all that a condition's words can refer to, for one issuer of a policy. */
import type { Box } from '../box.ts'
import type { Lang } from '../lang.ts'
import { didYouMean } from '../nearest.ts'
import type { PolicyIssuer } from '../policy.ts'
import type { Place } from '../problem.ts'
import type { ClaimSchema } from '../schema/schema.ts'
import type { Faults } from './faults.ts'
import type { Lock } from './lock.ts'
import { textOf } from './shape.ts'
import type { Entry, ListTree, Tree } from './tree.ts'

export interface Vocabulary {
  readonly issuer: PolicyIssuer
  readonly lock: Lock
  readonly lists: ReadonlyMap<string, ListTree>
  readonly who: ReadonlyMap<string, Tree>
  /** Paths of files that belong to a team: what they name is theirs alone. */
  readonly delegated: ReadonlySet<string>
  readonly faults: Faults
  /** What `who` entries mean, once read; `undefined` when one could not be read. */
  readonly read: Map<string, readonly Box[] | undefined>
  /** Names whose reading has begun and not ended: a second visit is a circle. */
  readonly reading: Set<string>
  /** Compiled patterns, by claim and text. */
  readonly patterns: Map<string, Lang>
  /** Exact values by claim and lower case, to find two that differ only in case. */
  readonly spellings: Map<string, { readonly value: string; readonly place: Place }>
}

/** One for each issuer of the policy, by its name. */
export type Vocabularies = ReadonlyMap<string, Vocabulary>

/**
 * The words of the issuer that a rule names; `undefined` after a fault. With one issuer nobody needs to name it, with
 * several nobody may leave it out: the same claim means other things elsewhere.
 */
export function vocabularyOf(
  rule: Tree,
  said: Entry | undefined,
  vocabularies: Vocabularies,
  faults: Faults,
): Vocabulary | undefined {
  const names = [...vocabularies.keys()]
  if (said === undefined) {
    const [only, second] = vocabularies.values()
    if (only !== undefined && second === undefined) return only
    faults.error(
      'P022',
      rule.place,
      'the policy has several issuers; say which is meant',
      `add issuer: ${names.join(' or ')}`,
    )
    return undefined
  }
  const name = textOf(said.value, '`issuer`', faults)
  const found = name === undefined ? undefined : vocabularies.get(name)
  if (name !== undefined && found === undefined) {
    const hint = didYouMean(name, names) ?? `known here: ${names.join(', ')}`
    faults.error('P001', said.value.place, `the policy does not declare issuer \`${name}\``, hint)
  }
  return found
}

/**
 * A team could otherwise widen the grants of others by changing a name that they use. `true` = the name may be used.
 */
export function mayUse(
  name: string,
  at: Place,
  definition: Place,
  { delegated, faults }: Vocabulary,
): boolean {
  if (at.path === definition.path || !delegated.has(definition.path)) return true
  const message = `\`${name}\` is defined in ${definition.path}, whose scope is its own`
  faults.error('P040', at, message, 'define it in a file without a scope')
  return false
}

/** Where a key's values go: a claim, and how a value is written in it. */
export interface Meaning {
  readonly key: string
  readonly claim: ClaimSchema
  readonly prefix: string
  /** Names are looked up here; the claim then has ids. */
  readonly section?: keyof Lock
  /** The claim that a pattern is compared with. Absent: this key takes no pattern. */
  readonly patternClaim?: ClaimSchema
}
