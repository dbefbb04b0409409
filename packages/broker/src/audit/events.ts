/**
 * audit: remember it. Every decision and every change of a lease becomes one entry of an append-only Merkle log,
 * in the same commit as the change. It never stores a secret and never fails on a hostile value. Rooms hand it
 * `AuditEvent`s; nobody else writes entries.
 */
import { canonicalJson, type Json } from '../base/canonical-json.ts'
import { newId } from '../base/id.ts'
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
  const body = tame(event as unknown as Json, 0)
  let text = canonicalJson({ ...(body as Record<string, Json>), ...head })
  if (text.length * 3 > limits.entry && Buffer.byteLength(text) > limits.entry) {
    text = canonicalJson({ ...head, type: event.type, cut: true })
  }
  return { id, bytes: new TextEncoder().encode(text) }
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

function tameText(text: string): string {
  const cut =
    text.length > limits.text ? `${text.slice(0, limits.text)}[cut: ${text.length} characters]` : text
  return cut.toWellFormed()
}
