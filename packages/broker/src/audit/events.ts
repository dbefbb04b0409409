/**
 * audit: remember it. Every decision and every change of a lease becomes one entry of an append-only Merkle log,
 * in the same commit as the change. It never stores a secret and never fails on a hostile value. Rooms hand it
 * `AuditEvent`s; nobody else writes entries.
 */
import { canonicalJson, type Json } from '../base/canonical-json.ts'
import { newId } from '../base/id.ts'
import { mayHoldToken, withoutTokens } from '../base/scrub.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent } from '../domain.ts'
import { type ClaimsRead, keptClaims, readFirst, withoutIdleClaims } from './kept-claims.ts'

/** Longest text, longest list, deepest nesting and largest entry that the log keeps. */
const limits = { text: 1024, members: 64, depth: 6, entry: 32_768 } as const

/** An entry ready to be appended, and the id by which people name it. */
export interface Recorded {
  readonly id: string
  readonly bytes: Uint8Array
}

const nothingRead: ClaimsRead = () => ({})

/**
 * Encodes an event as canonical JSON (RFC 8785). Cuts what is too long and marks it, last the claims that `reads`
 * names; never throws.
 */
export function encodeEvent(
  event: AuditEvent,
  tools: Pick<Tools, 'now' | 'randomBytes'>,
  reads: ClaimsRead = nothingRead,
): Recorded {
  const id = newId('au', tools)
  const head = { v: 1, id, at: tools.now() }
  const members = { ...withoutIdleClaims(event, reads), ...head } as unknown as Members
  let text = usualText(members) ?? canonicalJson(tame(ordered(members, event, reads), 0))
  if (text.length * 3 > limits.entry && Buffer.byteLength(text) > limits.entry) {
    text = canonicalJson({ ...essentials(members, event, reads), ...head, type: event.type, cut: true })
  }
  return { id, bytes: Buffer.from(text) }
}

function ordered(members: Members, event: AuditEvent, reads: ClaimsRead): Members {
  if (event.type !== 'credential.issued' && event.type !== 'credential.pending') return members
  return { ...members, claims: readFirst(event.claims, reads(event.issuer, event.claims)) }
}

/** What an entry that is too large keeps, so that it can be found, joined and decided again. */
function essentials(
  members: Members,
  event: AuditEvent,
  reads: ClaimsRead,
): { readonly [name: string]: Json } {
  const kept: Record<string, Json> = {}
  for (const name of ['lease', 'target', 'issuer', 'subject', 'code', 'decision', 'policy', 'seconds']) {
    const member = members[name]
    if (typeof member === 'string') kept[name] = tameText(member)
    if (typeof member === 'number') kept[name] = member
  }
  if ('claims' in event && event.claims !== undefined)
    kept['claims'] = tame(keptClaims(event.claims, reads(event.issuer ?? '', event.claims)), 0)
  // It holds kept claims alone already.
  if (members['act'] !== undefined) kept['act'] = tame(members['act'], 0)
  return kept
}

type Members = { readonly [name: string]: Json | undefined }

/** The quick way for what is usual; nothing of it has to be cut, mended or taken out. */
function usualText(members: Members): string | undefined {
  const usual = inOrder(members, 0)
  const text = usual === undefined ? undefined : JSON.stringify(usual)
  return text === undefined || mayHoldToken(text) || mayHoldHalfCharacter(text) ? undefined : text
}

/** `JSON.stringify` writes a lone surrogate as an escape; true for some texts that hold none. */
function mayHoldHalfCharacter(text: string): boolean {
  return text.includes('\\ud')
}

/**
 * The same members sorted by name at every level, which is all that RFC 8785 asks of `JSON.stringify` beyond what it
 * does; `undefined` when something has to be cut or mended first, or is not what tokens usually hold.
 */
function inOrder(value: Members, depth: number): Members | undefined {
  const names = Object.keys(value)
  const sorted = sortedNames(names)
  if (sorted === undefined) return undefined
  let nested = false
  for (const member of Object.values(value)) {
    if (!isUsual(member, depth + 1)) return undefined
    nested ||= typeof member === 'object' && member !== null && !isList(member)
  }
  return nested || sorted !== names ? copyInOrder(value, sorted, depth) : value
}

function copyInOrder(value: Members, names: readonly string[], depth: number): Members | undefined {
  const sorted: Record<string, Json | undefined> = {}
  for (const name of names) {
    let member: Json | undefined = value[name]
    if (typeof member === 'object' && member !== null && !isList(member)) {
      member = inOrder(member, depth + 1)
      if (member === undefined) return undefined
    }
    sorted[name] = member
  }
  return sorted
}

interface Order {
  readonly names: readonly string[]
  readonly sorted: readonly string[]
}

/** Orders that were needed last: all tokens of an issuer have the same names, and names are compared by their place. */
const orders: (Order | undefined)[] = Array.from({ length: 16 })
let oldest = 0

/** The names sorted, the very list where it is; `undefined` for names that are not usual. */
function sortedNames(names: readonly string[]): readonly string[] | undefined {
  const known = orders.find((order) => order !== undefined && isSame(order.names, names))
  if (known !== undefined) return known.sorted === known.names ? names : known.sorted
  if (names.length > limits.members || !names.every(isUsualName)) return undefined
  const sorted = isSorted(names) ? names : names.toSorted()
  orders[oldest] = { names, sorted }
  oldest = (oldest + 1) % orders.length
  return sorted
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}

/** Begins with a letter or `_`: objects keep such names in the order in which they were set. */
function isUsualName(name: string): boolean {
  return name.charCodeAt(0) >= 0x41 && name.length <= limits.text && name !== '__proto__'
}

/** An object's own members are looked at when its turn comes. */
function isUsual(value: Json | undefined, depth: number): boolean {
  if (typeof value === 'string') return value.length <= limits.text
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth >= limits.depth) return false
  return (
    !isList(value) ||
    (value.length <= limits.members &&
      value.every((item) => typeof item === 'string' && item.length <= limits.text))
  )
}

function isSorted(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) if (String(names[i - 1]) > String(names[i])) return false
  return true
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function tame(value: Json | undefined, depth: number): Json {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? null
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'string') return tameText(value)
  if (depth >= limits.depth) return '[cut: too deep]'
  if (isList(value)) {
    const items = value.slice(0, limits.members).map((item) => tame(item, depth + 1))
    return value.length > limits.members ? [...items, `[cut: ${value.length} items]`] : items
  }
  const all = Object.entries(value)
  const members: [string, Json][] = []
  for (const [name, member] of all.slice(0, limits.members)) {
    if (member !== undefined) members.push([tameText(name), tame(member, depth + 1)])
  }
  if (all.length > limits.members) members.push(['[cut]', `${all.length} members`])
  return Object.fromEntries(members)
}

/** A token that was sent as a target, a scope or a path is still a token: entries hold none (A43). */
function tameText(given: string): string {
  const text = withoutTokens(given)
  const cut =
    text.length > limits.text ? `${text.slice(0, limits.text)}[cut: ${text.length} characters]` : text
  return cut.toWellFormed()
}
