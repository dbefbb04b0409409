/**
 * convert: policies to the native trust of other platforms, and back. Pure. Nothing here decides: an export is a rule that
 * admits at most what the policy admits, an import a policy that admits at most what the original did. What cannot be said
 * is a `Cannot` (exports) or a rule left out with a `Finding` (imports), never a wider rule. Called by the commands
 * `mayfly export` and `mayfly import`.
 */

/** A platform cannot say what the policy says; a line for each thing, each naming it. */
export class Cannot extends Error {
  override readonly name = 'Cannot'
}

/** Something of an imported document that whoever moves it should know. */
export interface Finding {
  /** Stable name of what was found: `any-repository`, `no-audience`, ... */
  readonly code: string
  /** The document's own words that it is about. */
  readonly at: string
  readonly message: string
  /** The rule is not in the policy, or says less than the document seemed to. */
  readonly effect: 'note' | 'narrowed' | 'left out'
}
