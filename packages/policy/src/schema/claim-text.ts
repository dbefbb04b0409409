/**
 * claim-text: a token's claims as text, or a refusal; every schema's intake is made of it. Nothing is guessed: what
 * is not a declared claim is not read, what is declared must be text (or a number or boolean that is exactly one
 * text) inside the claim's domain.
 */
import { has } from '../lang.ts'
import { foldAscii } from './fold.ts'
import type { ClaimSchema, Intake } from './schema.ts'

export type Given = Readonly<Record<string, unknown>>

/** `undefined` = missing; `false` = there is a value, but none that a claim may have. */
export type Text = string | undefined | false

/** What nearly all claims are, and quickly seen to be visible. */
const ascii = /^[ -~]*$/

/** Control, bidirectional, zero-width and private characters, lone surrogates: two texts that look alike. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u

export function textOf(given: Given, name: string): Text {
  if (!Object.hasOwn(given, name)) return undefined
  const value = given[name]
  if (value === undefined || value === '') return undefined
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : false
  return typeof value === 'string' && (ascii.test(value) || !invisible.test(value)) ? value : false
}

/** The same inside objects, outermost name first. Platforms that write null for "none" mean a missing claim. */
export function textAt(given: Given, path: readonly string[]): Text {
  const [name = '', ...inner] = path
  const value = Object.hasOwn(given, name) ? given[name] : undefined
  if (value === null || value === undefined) return undefined
  if (inner.length === 0) return textOf(given, name)
  return typeof value === 'object' && !Array.isArray(value) ? textAt(value as Given, inner) : false
}

export function refuse(claim: string, reason: string): Intake {
  return { ok: false, claim, reason }
}

/** Puts the claim into the token; what is wrong with it otherwise. */
export function take(token: Map<string, string>, claim: ClaimSchema, value: Text): string | undefined {
  if (value === false) return 'is not text'
  if (value === undefined) return claim.optional ? undefined : 'is missing'
  const text = claim.folded ? foldAscii(value) : value
  if (!has(claim.domain, text)) return 'has a value that this claim cannot have'
  token.set(claim.name, text)
  return undefined
}

/** All claims, each read by its name in the schema. */
export function takeAll(claims: Iterable<ClaimSchema>, read: (name: string) => Text): Intake {
  const token = new Map<string, string>()
  for (const claim of claims) {
    const fault = take(token, claim, read(claim.name))
    if (fault !== undefined) return refuse(claim.name, fault)
  }
  return { ok: true, token }
}
