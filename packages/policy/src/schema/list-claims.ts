/**
 * schema/list-claims: claims that are lists, such as groups and roles. A policy declares the values that it speaks of, and
 * whether a token's list has one is a claim of its own, `groups[admins]`: `true`, or missing. So sets of tokens stay
 * what they are everywhere else, and everything that is proved of claims holds for lists.
 */
import type { TokenClaims } from '../box.ts'
import { literals } from '../lang.ts'
import type { Given } from './claim-text.ts'
import { claim, optional } from './declare.ts'
import type { ClaimSchema } from './schema.ts'

/** A list and one of its values. */
export interface Member {
  readonly list: string
  readonly value: string
}

/** More than anybody belongs to, and than anybody should look through. */
const longest = 1000

export function memberName({ list, value }: Member): string {
  return `${list}[${value}]`
}

/** `undefined` for the names of all other claims. */
export function memberIn(name: string): Member | undefined {
  const [, list, value] = /^([^[\]]+)\[(.+)\]$/s.exec(name) ?? []
  return list === undefined || value === undefined ? undefined : { list, value }
}

/** The claim as a platform calls it. */
export function claimIn(name: string): string {
  return memberIn(name)?.list ?? name
}

/** What is claimed of a member: the domain has one value, so that "not there" has one form. */
export function memberClaim(name: string): ClaimSchema {
  return claim(name, literals(['true']), { ...optional, form: 'boolean' })[1]
}

/** A list, and the names of its members' claims by their values. */
export interface DeclaredList {
  readonly name: string
  readonly members: ReadonlyMap<string, string>
}

export function listsAmong(names: readonly string[]): readonly DeclaredList[] {
  const members = names.flatMap((name) => {
    const member = memberIn(name)
    return member === undefined ? [] : [{ ...member, name }]
  })
  return [...Map.groupBy(members, ({ list }) => list)].map(([list, all]) => ({
    name: list,
    members: new Map(all.map(({ value, name }) => [value, name])),
  }))
}

/**
 * Adds the names of the members that a token's list has to `had`. `false`: it is no list of texts, or too long. A
 * missing list has no members.
 */
export function gatherMembers(given: Given, { name, members }: DeclaredList, had: Set<string>): boolean {
  const found = Object.hasOwn(given, name) ? given[name] : undefined
  if (found === undefined || found === null) return true
  if (!Array.isArray(found) || found.length > longest) return false
  for (const item of found) {
    if (typeof item !== 'string') return false
    const member = members.get(item)
    if (member !== undefined) had.add(member)
  }
  return true
}

/** A token's claims as a platform writes them: its members as lists. */
export function withLists(token: TokenClaims): Readonly<Record<string, unknown>> {
  const claims = new Map<string, unknown>()
  for (const [name, text] of token) {
    const member = memberIn(name)
    if (member === undefined) claims.set(name, text)
    else claims.set(member.list, [...((claims.get(member.list) as string[] | undefined) ?? []), member.value])
  }
  return Object.fromEntries(claims)
}

/** The values that an issuer's policy knows of a list; `undefined` where the claim is none. */
export function valuesOfList(properties: readonly string[], list: string): readonly string[] | undefined {
  const values = properties.flatMap((name) => {
    const member = memberIn(name)
    return member?.list === list ? [member.value] : []
  })
  return values.length === 0 ? undefined : values
}

/** Of a token's list, the values that the policy names, as people read them. */
export function valuesIn(token: TokenClaims, list: string): string {
  const members = [...token.keys()].map(memberIn).filter((member) => member?.list === list)
  return `[${members.map((member) => member?.value).join(', ')}]`
}
