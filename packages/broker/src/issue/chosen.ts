import { Failure } from '../base/failure.ts'

/** The connection that a target names, or the only one where it names none. Throws `target_refused`. */
export function chosen<T>(
  kind: string,
  connections: Readonly<Record<string, T>>,
  wanted: string | undefined,
): { readonly name: string; readonly connection: T } {
  const names = Object.keys(connections)
  const name = wanted ?? (names.length === 1 ? names[0] : undefined)
  const connection = name !== undefined && Object.hasOwn(connections, name) ? connections[name] : undefined
  if (name !== undefined && connection !== undefined) return { name, connection }
  const reason =
    wanted === undefined
      ? `connections.${kind} has ${names.length}; the target names none`
      : `connections.${kind} has no \`${wanted}\``
  throw new Failure('target_refused', { reason })
}
