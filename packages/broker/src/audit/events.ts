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

/** Longest text, longest list, deepest nesting and largest entry that the log keeps. */
const limits = { text: 1024, members: 64, depth: 6, entry: 32_768 } as const

/** An entry ready to be appended, and the id by which people name it. */
export interface Recorded {
  readonly id: string
  readonly bytes: Uint8Array
}

/** Encodes an event as canonical JSON (RFC 8785). Cuts what is too long and marks it; never throws. */
export function encodeEvent(event: AuditEvent, tools: Pick<Tools, 'now' | 'randomBytes'>): Recorded {
  const id = newId('au', tools)
  const head = { v: 1, id, at: tools.now() }
  let text = writeObject({ ...event, ...head } as unknown as Members, 0)
  if (text.length * 3 > limits.entry && Buffer.byteLength(text) > limits.entry) {
    text = canonicalJson({ ...head, type: event.type, cut: true })
  }
  return { id, bytes: Buffer.from(text) }
}

type Members = { readonly [name: string]: Json | undefined }

/** Text that is its own JSON: printable ASCII without quote and backslash. Nearly all names and claims are. */
const plain = /^[ !#-[\]-~]*$/

/** One pass for what is usual; anything that has to be cut or escaped in its names takes the long way. */
function writeObject(value: Members, depth: number): string {
  const names = Object.keys(value)
  if (names.length > limits.members || !names.every(isPlain)) return canonicalJson(tame(value, depth))
  if (!isSorted(names)) names.sort()
  let text = ''
  for (const name of names) {
    const member = value[name]
    if (member !== undefined) text += `${text === '' ? '' : ','}"${name}":${writeValue(member, depth + 1)}`
  }
  return `{${text}}`
}

function writeValue(value: Json, depth: number): string {
  if (typeof value === 'string') return isPlain(value) ? `"${value}"` : JSON.stringify(tameText(value))
  if (typeof value !== 'object' || value === null) return canonicalJson(tame(value, depth))
  if (depth >= limits.depth || isList(value)) return canonicalJson(tame(value, depth))
  return writeObject(value, depth)
}

function isPlain(text: string): boolean {
  return text.length <= limits.text && plain.test(text) && !mayHoldToken(text)
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
  if (Array.isArray(value)) return value.slice(0, limits.members).map((item: Json) => tame(item, depth + 1))
  const members: [string, Json][] = []
  for (const [name, member] of Object.entries(value).slice(0, limits.members)) {
    if (member !== undefined) members.push([tameText(name), tame(member, depth + 1)])
  }
  return Object.fromEntries(members)
}

/** A token that was sent as a target, a scope or a path is still a token: entries hold none (A43). */
function tameText(given: string): string {
  const text = withoutTokens(given)
  const cut =
    text.length > limits.text ? `${text.slice(0, limits.text)}[cut: ${text.length} characters]` : text
  return cut.toWellFormed()
}
