import type { SecretRecord } from '../../../store/store.ts'
import type { SecretConnection } from './secret.ts'

/** What is asked of a connection here. */
type Described =
  | Pick<Exclude<SecretConnection, { sealed: true }>, 'last_replaced'>
  | { readonly sealed: true }
type Connections = Readonly<Record<string, Described>>

/** What the store says of the secrets that it keeps. */
export type Kept = readonly Pick<SecretRecord, 'name' | 'replacedAt' | 'uses' | 'lastUsedAt'>[]

/** A secret that was not replaced, or that nobody got, for longer is warned of. */
const oldSeconds = 90 * 86_400

/** Seconds since a secret was replaced, by name; one of which nobody wrote down when has none. */
export function secretAges(connections: Connections, kept: Kept, nowMs: number): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(connections).flatMap(([name, connection]) => {
      const replacedMs = replaced(name, connection, kept)
      // A day of the operator's own calendar may be ahead of ours by a zone.
      return replacedMs === undefined
        ? []
        : [[name, Math.max(0, Math.floor((nowMs - replacedMs) / 1000))] as const]
    }),
  )
}

function replaced(name: string, connection: Described, kept: Kept): number | undefined {
  if ('sealed' in connection) {
    const found = kept.find((each) => each.name === name)
    return found === undefined ? undefined : found.replacedAt * 1000
  }
  return connection.last_replaced === undefined ? undefined : Date.parse(connection.last_replaced)
}

/**
 * What is wrong with secrets that should long be something else: each as one sentence that begins with its place in
 * the configuration. `used`: names that the policy releases. `kept` is absent where nobody looked into the store.
 */
export function secretWarnings(
  connections: Connections,
  used: ReadonlySet<string>,
  nowMs: number,
  kept?: Kept,
): readonly string[] {
  const ages = secretAges(connections, kept ?? [], nowMs)
  const ofConnections = Object.entries(connections).flatMap(([name, connection]) => {
    const place = `connections.secret.${name}`
    const unused = used.has(name) ? [] : [`${place} is released by no target of the policy; take it out`]
    const others =
      'sealed' in connection
        ? keptWarnings(name, ages.get(name), nowMs, kept)
        : dayWarnings(connection.last_replaced, ages.get(name), nowMs)
    return [...unused, ...others.map((what) => `${place}${what}`)]
  })
  const lost = (kept ?? []).filter(({ name }) => {
    const connection = Object.hasOwn(connections, name) ? connections[name] : undefined
    return connection === undefined || !('sealed' in connection)
  })
  return [
    ...ofConnections,
    ...lost.map(
      ({ name }) =>
        `connections.secret has no sealed \`${name}\`, but the store keeps it: \`mayfly secrets remove ${name}\``,
    ),
  ]
}

function dayWarnings(day: string | undefined, age: number | undefined, nowMs: number): readonly string[] {
  if (day === undefined || age === undefined) return [' has no last_replaced: nobody can tell how old it is']
  // More than any zone: such a day keeps every warning away for as long as it lies ahead.
  if (Date.parse(day) - nowMs > 86_400_000) return [`.last_replaced is ${day}, which has not come yet`]
  return oldWarning(day, age)
}

function oldWarning(day: string, age: number): readonly string[] {
  if (age <= oldSeconds) return []
  const days = Math.floor(age / 86_400)
  return [` was last replaced on ${day}, ${days} days ago: replace it, or what uses it`]
}

function keptWarnings(
  name: string,
  age: number | undefined,
  nowMs: number,
  kept: Kept | undefined,
): readonly string[] {
  if (kept === undefined) return []
  const found = kept.find((each) => each.name === name)
  if (found === undefined || age === undefined)
    return [` is sealed, and the store has none: \`mayfly secrets put ${name}\``]
  const idle = nowMs / 1000 - (found.lastUsedAt ?? found.replacedAt)
  const unused =
    idle > oldSeconds
      ? [` was given to nobody for ${Math.floor(idle / 86_400)} days; does anybody need it?`]
      : []
  const day = new Date(found.replacedAt * 1000).toISOString().slice(0, 10)
  return [...unused, ...oldWarning(day, age)]
}
