/** What is found on the way through a statement, before anybody knows which column belongs to which table. */
import type { RelationVerb, StatementFacts } from '@mayfly/policy/statements'

/** A name that may be one of a column. */
export interface Reference {
  /** Absent: it stands alone. */
  readonly qualifier?: string
  readonly name: string
  /** `*` */
  readonly star: boolean
  /** Its place in the result, from 0, where the result shows it as it is. */
  readonly shown?: number
  /** It stands in a query within the expression that is looked at. */
  readonly nested: boolean
}

/** A table or view where it stands. */
export interface Relation {
  readonly verb: RelationVerb
  readonly schema?: string
  readonly name: string
  /** By which its columns may be called: of itself and of joins that it is in. */
  readonly names: Set<string>
  /** Columns may be called by other names than their own. */
  renamed: boolean
  /** Written, where the verb writes. */
  columns: ReadonlySet<string> | 'all'
  /** Those in which its columns may stand; absent: everywhere in the statement. */
  readonly within?: readonly Reference[]
  /** Its columns are read in ways that no reference shows. */
  readAll: boolean
  /** Conditions that have to limit it; absent where it is not a target. */
  limitedBy?: readonly Reference[] | 'nothing' | undefined
}

export interface Collected {
  readonly references: Reference[]
  readonly relations: Relation[]
  /** Names of what has columns and is no table: queries within, functions. */
  readonly others: Set<string>
  readonly calls: { readonly schema?: string; readonly name: string }[]
  readonly channels: { readonly verb: 'LISTEN' | 'NOTIFY'; readonly name: string }[]
  /** As `SpokenNames` of the policy. */
  readonly spoken: Readonly<Record<'attribute' | 'operator' | 'type' | 'function', Set<string>>>
  wantsToWrite: boolean
  kept: StatementFacts['kept']
}

export function nothingCollected(): Collected {
  return {
    ...{ references: [], relations: [], others: new Set(), calls: [], channels: [] },
    spoken: { attribute: new Set(), operator: new Set(), type: new Set(), function: new Set() },
    ...{ wantsToWrite: false, kept: undefined },
  }
}
