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
  /** The segment of the value, counted from 0, that anybody can register: patterns name it and all before it (P033). */
  readonly owned?: number
}

/** Which list of the lock translates a name. */
export type LockSection = 'owners' | 'repos' | 'users'

/** What a key that is not a claim stands for. */
export type Shorthand =
  /** Where `patternClaim` is said, a pattern is compared with that, as it is. */
  | {
      readonly to: 'claim'
      readonly claim: string
      readonly prefix: string
      readonly patternClaim?: string
    }
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

/** What caused a job, where the issuer says it. */
export interface EventClaim {
  readonly claim: string
  /** Events of a grant that names none. */
  readonly standard: readonly string[]
  /** Events that people without write access cause, and that run with the repository's own rights. */
  readonly outsider: readonly string[]
  /** Events whose workflow file may come from the proposed change itself. */
  readonly proposal: readonly string[]
}

/** Which claim plays which part. Checks and guardrails speak of parts, so that one rule serves every issuer. */
export interface ClaimParts {
  /** The customer of an issuer that many share. A policy lists its own as `owners`; no grant reaches beyond them. */
  readonly tenant?: { readonly claim: string; readonly section?: LockSection }
  /** Whose job it is: a grant limits at least one of them, or a declared property (P009). */
  readonly identities: readonly string[]
  /** Who started it. It proves nothing about what runs (P015). */
  readonly actor?: string
  readonly event?: EventClaim
  /** A write grant limits one of them (P010): what code runs, or what a platform protects. */
  readonly pins: readonly string[]
  /** Values of a pin that anybody who can push may make: limiting it to them says nothing. */
  readonly anybodys: ReadonlyMap<string, Lang>
  readonly ref?: string
  /** Whose code runs, where a build of a fork has the claims of the project itself otherwise (P011). */
  readonly origin?: string
  /** Only a name in the job, unless the platform protects it. */
  readonly environment?: string
  /** Machines that the platform does not run itself. */
  readonly runner?: { readonly claim: string; readonly own: string }
  /** The reusable workflow: what names it, and what pins its version. */
  readonly workflow?: { readonly names: readonly string[]; readonly version: string }
}

export interface IssuerSchema {
  readonly kind: string
  readonly claims: ReadonlyMap<string, ClaimSchema>
  /** Claims such as `repo_property_team` exist when the policy declares `team`. Absent: none can be declared. */
  readonly properties?: DeclaredClaims
  readonly shorthands: ReadonlyMap<string, Shorthand>
  /** Claims that must not be used, and why. */
  readonly refused: ReadonlyMap<string, RefusedClaim>
  readonly profile: readonly ProfileRule[]
  readonly parts: ClaimParts
  /** What whoever wrote the job can do so that a claim becomes one of these values; absent where nothing is known. */
  readonly mend?: (claim: string, wanted: readonly string[]) => string | undefined
  /** Splits `o/r/.github/workflows/f.yml@ref`; `undefined` when it is not that. Only with the `workflow` shorthand. */
  readonly workflow?: (text: string) => WorkflowName | undefined
  /** A token's claims as text, or why the token is refused. */
  intake(claims: Readonly<Record<string, unknown>>, properties: readonly string[]): Intake
  /**
   * An everyday token, as `intake` would have made it, that agrees with what is said already: tests of a policy are
   * filled up with it, and counterexamples look like it where they may.
   */
  typical(said: TokenClaims, tenants: ReadonlyMap<string, string>): TokenClaims
  /** The claims of a token that `intake` turns into this one again. */
  present(token: TokenClaims): Readonly<Record<string, unknown>>
}

export interface DeclaredClaims {
  /** The key of a policy's issuer that lists them. */
  readonly key: 'properties' | 'claims'
  readonly prefix: string
  readonly claim: (name: string) => ClaimSchema
}

export interface WorkflowName {
  readonly repo: string
  readonly file: string
  readonly ref: string
}
