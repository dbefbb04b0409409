/**
 * policy: a loaded policy, ready to decide. Made by `load` only, never changed after. `decide` and `explain` read it.
 */
import type { Box } from './box.ts'
import type { Place } from './problem.ts'
import type { IssuerSchema } from './schema/schema.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type Access = 'read' | 'write' | 'admin'

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
  readonly audience?: string
  readonly place: Place
}

/** One target of a grant, with the scopes that it gives. */
export interface Gift {
  readonly target: PolicyTarget
  readonly scopes: readonly string[]
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
}

/** One box of one grant, for one target. */
export interface GrantEntry {
  readonly grant: PolicyGrant
  readonly gift: Gift
  readonly box: Box
}

/** Entries of one target, in the first of these buckets whose claim the box limits to listed values. */
export interface TargetIndex {
  readonly byRepository: ReadonlyMap<string, readonly GrantEntry[]>
  readonly byWorkflow: ReadonlyMap<string, readonly GrantEntry[]>
  readonly byOwner: ReadonlyMap<string, readonly GrantEntry[]>
  readonly rest: readonly GrantEntry[]
  readonly denies: readonly PolicyDeny[]
}

export interface Policy {
  readonly issuers: ReadonlyMap<string, PolicyIssuer>
  readonly targets: ReadonlyMap<string, TargetDefinition>
  readonly audiences: ReadonlyMap<string, TargetDefinition>
  readonly grants: readonly PolicyGrant[]
  readonly denies: readonly PolicyDeny[]
  /** By issuer, then by target. */
  readonly index: ReadonlyMap<string, ReadonlyMap<string, TargetIndex>>
}

/** The target whose audience is exactly this URI; RFC 8693 2.1 `resource`. No two targets share one (P035). */
export function targetByAudience(policy: Policy, uri: string): TargetDefinition | undefined {
  return policy.audiences.get(uri)
}
