/** vocabulary: all that a condition's words can refer to, for one issuer of a policy. */
import type { Box } from '../box.ts'
import type { Lang } from '../lang.ts'
import type { PolicyIssuer } from '../policy.ts'
import type { Place } from '../problem.ts'
import type { ClaimSchema } from '../schema/schema.ts'
import type { Faults } from './faults.ts'
import type { Lock } from './lock.ts'
import type { ListTree, Tree } from './tree.ts'

export interface Vocabulary {
  readonly issuer: PolicyIssuer
  /** Names of the organisations outside of which nothing is ever granted. */
  readonly owners: ReadonlyMap<string, string>
  readonly lock: Lock
  readonly lists: ReadonlyMap<string, ListTree>
  readonly who: ReadonlyMap<string, Tree>
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
