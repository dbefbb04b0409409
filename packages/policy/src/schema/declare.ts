/** declare: the parts of a schema, as short as a table. */
import { type Box, box, type Condition } from '../box.ts'
import { compileGlob } from '../glob.ts'
import { everything, inter, type Lang, literals, onlyMissing, withMissing } from '../lang.ts'
import { branches } from './domain.ts'
import type { ClaimSchema, ProfileRule, RefusedClaim, Shorthand } from './schema.ts'

/** A claim that every token has and that respects case, unless it is said otherwise. */
export function claim(
  name: string,
  domain: Lang,
  more: Partial<Omit<ClaimSchema, 'name' | 'domain'>> = {},
): readonly [string, ClaimSchema] {
  return [name, { name, domain, folded: false, optional: false, form: 'text', ...more }]
}

export const optional = { optional: true } as const
export const trueOrFalse = literals(['true', 'false'])
export const optionalBoolean = { optional: true, form: 'boolean' } as const

/** A key that stands for a claim. */
export function short(claimed: string, prefix = '', patternClaim?: string): Shorthand {
  return { to: 'claim', claim: claimed, prefix, ...(patternClaim === undefined ? {} : { patternClaim }) }
}

/** A condition that nobody wrote. */
export function only(name: string, lang: Lang): Condition {
  return { claim: name, lang, needed: '', names: [], sayings: [] }
}

export const present = withMissing(everything, false)

export function rule(name: string, refusedBox: Box): ProfileRule {
  return { name, box: refusedBox }
}

/** No token has the first claim without the second. */
export function needs(name: string, other: string): ProfileRule {
  return rule(name, box(only(other, onlyMissing), only(name, present)))
}

/** Branches that anybody who can push may make. */
export const anyBranch = inter(branches, compileGlob('refs/heads/*'))
export const notProtected = literals(['false'])

type Refused = readonly [string, RefusedClaim]

export function callerChosen(name: string, hint: string): Refused {
  return provesNothing(name, 'is chosen by the caller and proves nothing', hint)
}

/** `why` follows the name. */
export function provesNothing(name: string, why: string, hint: string): Refused {
  return [name, { code: 'P031', message: `\`${name}\` ${why}`, hint }]
}

export function joined(why: string, hint: string): Refused {
  return ['sub', { code: 'P014', message: `\`sub\` ${why}`, hint }]
}

export const audience: Refused = callerChosen('aud', 'the broker checks the audience itself')
