/**
 * policy: a loaded policy, ready to decide. Made by `load` only, never changed after. `decide` and `explain` read it.
 */
import type { Box } from './box.ts'
import type { Budget } from './budget.ts'
import type { EntryTree } from './entry-tree.ts'
import { everything, type Lang, withMissing } from './lang.ts'
import type { Place } from './problem.ts'
import type { RequestRule } from './requests.ts'
import type { IssuerSchema } from './schema/schema.ts'
import type { StatementRule } from './statements.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type Access = 'read' | 'write' | 'admin'

/**
 * Which requests of a target's routes have an entry of the log: `refusals` alone; all of them as well as can be
 * (`best_effort`); all, and what cannot be written down first is refused (`required`).
 */
export type Recording = 'refusals' | 'best_effort' | 'required'

/** One thing that can be given. */
export interface TargetDefinition {
  readonly name: string
  readonly tier: string
  readonly access: Access
  readonly maxSeconds: number
  /** `token`, `aws_role`, `postgres_role`, ... */
  readonly kind: string
  /** The kind's own value: `{ audience, scopes }` for `token`, a text for `aws_role`. Templates are not filled in. */
  readonly settings: Json
}

/** A target inside a loaded policy. */
export interface PolicyTarget extends TargetDefinition {
  /** What each scope allows; empty for targets without scopes. */
  readonly scopes: ReadonlyMap<string, Access>
  /** What each scope lets through at a route; absent where the policy does not say, and all of an API is meant. */
  readonly requests?: ReadonlyMap<string, readonly RequestRule[]>
  /** Scopes each of whose requests waits until somebody approves it; absent: none does. */
  readonly held?: ReadonlySet<string>
  /** The same of a database: what each scope lets through; absent where the policy does not say, and all is meant. */
  readonly statements?: ReadonlyMap<string, readonly StatementRule[]>
  readonly audience?: string
  /** Absent: `refusals`. */
  readonly record?: Recording
  /** How much one job may use of it at our routes; absent: no limits. */
  readonly budget?: Budget
  readonly place: Place
}

/** One target of a grant, with the scopes that it gives. */
export interface Gift {
  readonly target: PolicyTarget
  readonly scopes: readonly string[]
  readonly place: Place
}

export interface PolicyGrant {
  readonly name: string
  readonly issuer: string
  readonly boxes: readonly Box[]
  readonly gifts: readonly Gift[]
  readonly seconds: number
  readonly place: Place
}

export interface PolicyDeny {
  readonly name: string
  readonly issuer: string
  readonly boxes: readonly Box[]
  /** Absent: all targets. */
  readonly targets?: readonly string[]
  readonly place: Place
}

export interface PolicyIssuer {
  readonly name: string
  readonly schema: IssuerSchema
  readonly properties: readonly string[]
  /** The customers of a shared issuer outside of which nothing is granted: name to the value of the tenant claim. */
  readonly tenants: ReadonlyMap<string, string>
}

/** The scopes of a target that a guardrail means; `undefined` = the target, which has no scopes. */
export type Selection = ReadonlyMap<string, ReadonlySet<string> | undefined>

/** Conditions for each issuer: a token of an issuer that is not here is not meant. */
export type Who = ReadonlyMap<string, readonly Box[]>

interface Guardrail {
  readonly name: string
  readonly place: Place
  /** Nobody wrote it: it holds for every policy that does not say `baseline: off`. */
  readonly baseline: boolean
}

/** What must hold for every token that intake accepts, whatever the grants say. */
export type PolicyGuardrail = Guardrail &
  (
    | { readonly rule: 'never' | 'only' | 'always'; readonly who: Who; readonly get: Selection }
    /** One token, that is one job, never gets something of both. */
    | { readonly rule: 'apart'; readonly get: Selection; readonly other: Selection }
    | { readonly rule: 'max'; readonly seconds: number; readonly get: Selection }
  )

/** One box of one grant, for one target. */
export interface GrantEntry {
  readonly grant: PolicyGrant
  readonly gift: Gift
  readonly box: Box
}

/** What one target means for one issuer. */
export interface TargetIndex {
  readonly entries: readonly GrantEntry[]
  /** By every claim: for decisions. */
  readonly tree: EntryTree<GrantEntry>
  /** By the claims that say whose job it is, for explanations: an entry that fails on another claim is near. */
  readonly byIdentity: EntryTree<GrantEntry>
  readonly denies: readonly PolicyDeny[]
  readonly guards: readonly Guard[]
}

/** A `never` or `only` guardrail as one target sees it: the second lock, after the prover's. */
export interface Guard {
  readonly name: string
  /** `true`: the boxes are whom it keeps out; `false`: the only ones whom it lets in. */
  readonly never: boolean
  readonly boxes: readonly Box[]
  /** `undefined` = whatever of the target is given. */
  readonly scopes: ReadonlySet<string> | undefined
}

export interface Policy {
  readonly issuers: ReadonlyMap<string, PolicyIssuer>
  readonly targets: ReadonlyMap<string, PolicyTarget>
  readonly audiences: ReadonlyMap<string, PolicyTarget>
  readonly grants: readonly PolicyGrant[]
  readonly denies: readonly PolicyDeny[]
  readonly guardrails: readonly PolicyGuardrail[]
  /** By issuer, then by target. */
  readonly index: ReadonlyMap<string, ReadonlyMap<string, TargetIndex>>
}

/** Everything that intake lets a claim be: a value of its domain, or missing. */
export function wholeOf({ schema }: PolicyIssuer, claim: string): Lang {
  const { properties } = schema
  const known =
    schema.claims.get(claim) ??
    (properties && claim.startsWith(properties.prefix)
      ? properties.claim(claim.slice(properties.prefix.length))
      : undefined)
  return known === undefined ? everything : withMissing(known.domain, known.optional)
}

/** The target whose audience is exactly this URI; RFC 8693 2.1 `resource`. No two targets share one (P035). */
export function targetByAudience(policy: Policy, uri: string): TargetDefinition | undefined {
  return policy.audiences.get(uri)
}
