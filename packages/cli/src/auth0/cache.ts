/**
 * What the Action remembers between two requests, in as little as Auth0's cache has: 20 entries for each trigger, keys of
 * 64 bytes, values of 4 kB, 8 kB together. Auth0 may forget any of it at any time, and two instances do not share it.
 */
import { createHash } from 'node:crypto'

/** Auth0's `api.cache`, as far as it is used. */
export interface ActionCache {
  get(key: string): { readonly value: string } | undefined
  /** Answers with an error where it keeps nothing; times are milliseconds. */
  set(key: string, value: string, options: { readonly ttl: number }): unknown
}

type Jwk = Readonly<Record<string, unknown>>

/** Bytes of one value: two of them, their names and the rest stay under 8 kB. */
const largestValue = 3_500
const keysLifeMs = 600_000
const spentKey = 'spent'

/** What is left of a key is all that verifies: GitHub's certificates alone would be more than the cache takes. */
const members = ['kid', 'kty', 'n', 'e', 'alg', 'use', 'key_ops'] as const

/** The keys of an issuer as a JWK Set; `undefined` when Auth0 has forgotten them. */
export function keptKeys(issuer: string, cache: ActionCache): unknown {
  const found = cache.get(named('keys', issuer))?.value
  return found === undefined ? undefined : JSON.parse(found)
}

/** Keeps what fits of the issuer's keys: the one that was asked for before all others. */
export function keepKeys(issuer: string, keys: readonly Jwk[], wanted: string, cache: ActionCache): void {
  const first = keys.filter(({ kid }) => kid === wanted)
  const all = [...first, ...keys.filter((key) => !first.includes(key))].map((key) =>
    Object.fromEntries(members.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]]))),
  )
  let text = JSON.stringify({ keys: [] })
  for (let count = 1; count <= all.length; count++) {
    const longer = JSON.stringify({ keys: all.slice(0, count) })
    if (Buffer.byteLength(longer) > largestValue) break
    text = longer
  }
  cache.set(named('keys', issuer), text, { ttl: keysLifeMs })
}

/** `false` when the issuer was asked a moment ago; otherwise it is being asked from now on. */
export function mayAsk(issuer: string, waitMs: number, cache: ActionCache): boolean {
  const name = named('asked', issuer)
  if (cache.get(name) !== undefined) return false
  cache.set(name, '1', { ttl: waitMs })
  return true
}

/** Whether a token of this name was used, as far as is remembered. `now`: seconds. */
export function isSpent(name: string, now: number, cache: ActionCache): boolean {
  const short = digest(name)
  return spent(now, cache).some((entry) => entry.startsWith(short))
}

/** Remembers it until then (seconds), and as many others as fit; the oldest are forgotten first. */
export function spend(name: string, until: number, now: number, cache: ActionCache): void {
  const entries = [...spent(now, cache), `${digest(name)}${Math.ceil(until).toString(36)}`]
  while (entries.join(' ').length > largestValue) entries.shift()
  const last = Math.max(...entries.map(endOf))
  cache.set(spentKey, entries.join(' '), { ttl: Math.ceil((last - now) * 1000) })
}

/** Each is 16 letters of a hash and, behind them, the second at which it ends. */
const digestLength = 16

function spent(now: number, cache: ActionCache): string[] {
  const entries = cache.get(spentKey)?.value.split(' ') ?? []
  return entries.filter((entry) => endOf(entry) > now)
}

function endOf(entry: string): number {
  return Number.parseInt(entry.slice(digestLength), 36)
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('base64url').slice(0, digestLength)
}

/** However long the issuer is, the key is short enough. */
function named(what: string, issuer: string): string {
  return `${what}:${digest(issuer)}`
}
