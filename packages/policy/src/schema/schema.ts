/**
 * schema: what a policy may know of one kind of issuer: its claims and their values, which of them ignore case,
 * which may be missing, what its tokens always fulfil. One file a kind. It never sees a policy; `read` asks it what
 * a key means, `decide` lets it turn a token's claims into text.
 */
import type { Box, TokenClaims } from '../box.ts'
import type { Lang } from '../lang.ts'

export interface ClaimSchema {
  readonly name: string
  /** Every value that intake lets through, folded if the claim is. */
  readonly domain: Lang
  /** ASCII upper case counts as lower case. */
  readonly folded: boolean
  readonly optional: boolean
  /** How a policy writes its values: ids as digits, `true` without quotes, or text. */
  readonly form: 'id' | 'boolean' | 'text'
}

/** Which list of the lock translates a name. */
export type LockSection = 'owners' | 'repos' | 'users'

/** What a key that is not a claim stands for. */
export type Shorthand =
  | { readonly to: 'claim'; readonly claim: string; readonly prefix: string }
  /** Exact names become ids; a pattern is compared with `patternClaim`, if there is one. */
  | {
      readonly to: 'lock'
      readonly section: LockSection
      readonly claim: string
      readonly patternClaim?: string
    }
  /** The reusable workflow: `workflow.repo`, `workflow.file`, `workflow.ref`. */
  | { readonly to: 'workflow' }

export interface RefusedClaim {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export type Intake =
  | { readonly ok: true; readonly token: TokenClaims }
  | { readonly ok: false; readonly claim: string; readonly reason: string }

/** A documented relation that the issuer's tokens fulfil: a token in `box` is refused. */
export interface ProfileRule {
  readonly name: string
  readonly box: Box
}

export interface IssuerSchema {
  readonly kind: string
  readonly claims: ReadonlyMap<string, ClaimSchema>
  /** Claims such as `repo_property_team` exist when the policy declares `team`. */
  property(name: string): ClaimSchema
  readonly propertyPrefix: string
  readonly shorthands: ReadonlyMap<string, Shorthand>
  /** Claims that must not be used, and why. */
  readonly refused: ReadonlyMap<string, RefusedClaim>
  readonly profile: readonly ProfileRule[]
  /** Events of a grant that names none. */
  readonly defaultEvents: readonly string[]
  /** Events that people without write access cause, and that run with the repository's own rights. */
  readonly outsiderEvents: readonly string[]
  /** Events whose workflow file may come from the proposed change itself. */
  readonly proposalEvents: readonly string[]
  /** Refs that anybody who can push may make. */
  readonly anyBranch: Lang
  /** Splits `o/r/.github/workflows/f.yml@ref`; `undefined` when it is not that. */
  workflow(text: string): { readonly repo: string; readonly file: string; readonly ref: string } | undefined
  intake(claims: Readonly<Record<string, unknown>>, properties: readonly string[]): Intake
}
