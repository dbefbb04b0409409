import type { SecretConnection } from './secret.ts'

/** A secret that was not replaced for longer is warned of. */
const oldSeconds = 90 * 86_400

/** Seconds since a secret was replaced, by name; a secret whose day nobody wrote down has none. */
export function secretAges(
  connections: Readonly<Record<string, Pick<SecretConnection, 'last_replaced'>>>,
  nowMs: number,
): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(connections).flatMap(([name, { last_replaced: day }]) => {
      if (day === undefined) return []
      // A day of the operator's own calendar may be ahead of ours by a zone.
      return [[name, Math.max(0, Math.floor((nowMs - Date.parse(day)) / 1000))] as const]
    }),
  )
}

/**
 * What is wrong with secrets that should long be something else: each as one sentence that begins with its place in
 * the configuration. `used`: names that the policy releases.
 */
export function secretWarnings(
  connections: Readonly<Record<string, Pick<SecretConnection, 'last_replaced'>>>,
  used: ReadonlySet<string>,
  nowMs: number,
): readonly string[] {
  const ages = secretAges(connections, nowMs)
  return Object.entries(connections).flatMap(([name, { last_replaced: day }]) => {
    const place = `connections.secret.${name}`
    const age = ages.get(name)
    const unused = used.has(name) ? [] : [`${place} is released by no target of the policy; take it out`]
    if (day === undefined || age === undefined)
      return [...unused, `${place} has no last_replaced: nobody can tell how old it is`]
    // More than any zone: such a day keeps every warning away for as long as it lies ahead.
    if (Date.parse(day) - nowMs > 86_400_000)
      return [...unused, `${place}.last_replaced is ${day}, which has not come yet`]
    if (age <= oldSeconds) return unused
    const days = Math.floor(age / 86_400)
    return [...unused, `${place} was last replaced on ${day}, ${days} days ago: replace it, or what uses it`]
  })
}
