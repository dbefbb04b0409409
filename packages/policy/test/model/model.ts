/** A random policy as the test itself understands it. The product never sees these; it reads the text made of them. */
import type { ModelClaim } from './claims.ts'

export type Plain =
  | { readonly is: 'exact'; readonly values: readonly string[] }
  | { readonly is: 'like'; readonly globs: readonly string[] }

export type Matcher =
  | (Plain & { readonly orAbsent?: boolean })
  | { readonly is: 'not'; readonly inner: Plain; readonly orAbsent?: boolean }
  | { readonly is: 'any'; readonly orAbsent?: boolean }
  | { readonly is: 'absent' }

export interface ModelCondition {
  readonly claim: ModelClaim
  readonly key: string
  readonly prefix: string
  readonly matcher: Matcher
}

/** All conditions hold, and each used name. */
export interface Alternative {
  readonly use: readonly string[]
  readonly conditions: readonly ModelCondition[]
}

export interface ModelIssuer {
  readonly name: string
  readonly kind: 'github' | 'oidc'
  /** Values of the owner claim outside of which nothing is granted. */
  readonly owners: readonly string[]
  /** Of these the policy's rules speak. */
  readonly claims: readonly ModelClaim[]
}

export interface ModelTarget {
  readonly name: string
  readonly tier: string
  readonly kind: 'secret' | 'token'
  readonly access: string
  /** Scope to access; empty for a target without scopes. */
  readonly scopes: Readonly<Record<string, string>>
}

/** One thing that can be given. */
export interface Atom {
  readonly target: ModelTarget
  readonly scope: string | undefined
}

export interface ModelGrant {
  readonly name: string
  readonly issuer: string
  readonly who: readonly Alternative[]
  readonly get: readonly { readonly target: string; readonly scopes: readonly string[] | undefined }[]
  readonly minutes: number
}

export interface ModelDeny {
  readonly name: string
  readonly issuer: string
  readonly who: readonly Alternative[]
  readonly get: readonly string[] | undefined
}

export type Selector = Readonly<
  Partial<Record<'target' | 'tier' | 'access' | 'kind' | 'scope', readonly string[]>>
>

/** Whom a guardrail means, of each issuer. */
export type ModelWho = readonly { readonly issuer: string; readonly alternative: Alternative }[]

export type ModelGuardrail = { readonly name: string } & (
  | { readonly rule: 'never' | 'only' | 'always'; readonly who: ModelWho; readonly get: readonly Selector[] }
  | { readonly rule: 'apart'; readonly get: readonly Selector[]; readonly other: readonly Selector[] }
  | { readonly rule: 'max'; readonly minutes: number; readonly get: readonly Selector[] }
)

export interface ModelPolicy {
  readonly issuers: readonly ModelIssuer[]
  readonly named: ReadonlyMap<string, { readonly issuer: string; readonly who: readonly Alternative[] }>
  readonly targets: readonly ModelTarget[]
  readonly grants: readonly ModelGrant[]
  readonly denies: readonly ModelDeny[]
  readonly guardrails: readonly ModelGuardrail[]
  readonly baseline: boolean
}

/** Everything that can be given. */
export function atomsOf(targets: readonly ModelTarget[]): readonly Atom[] {
  return targets.flatMap((target): readonly Atom[] => {
    const scopes = Object.keys(target.scopes)
    return scopes.length === 0 ? [{ target, scope: undefined }] : scopes.map((scope) => ({ target, scope }))
  })
}

/** A list of selectors means any of them; within one, all its parts. */
export function selects(selectors: readonly Selector[], { target, scope }: Atom): boolean {
  const own = {
    target: target.name,
    tier: target.tier,
    kind: target.kind,
    scope,
    access: scope === undefined ? target.access : target.scopes[scope],
  }
  return selectors.some((selector) =>
    (['target', 'tier', 'access', 'kind', 'scope'] as const).every((part) => {
      const wanted = selector[part]
      const value = own[part]
      return wanted === undefined || (value !== undefined && wanted.includes(value))
    }),
  )
}
