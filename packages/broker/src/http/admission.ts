import { isLoopback } from '../base/address.ts'

/** What is done to a connection. */
export interface Closable {
  destroy(): unknown
}

export interface AdmissionLimits {
  /** Connections in all. */
  readonly connections: number
  /** The part of them that one address may hold. */
  readonly share: number
  /** On loopback stands a reverse proxy, behind which are many: no share there. */
  readonly proxyOnLoopback: boolean
}

/** Who may hold a connection. */
export interface Admission {
  /** False when there is no room and nobody idle to close for it; the connection is not counted then. */
  admit(connection: Closable, remote: string): boolean
  /** A request is under way on it: it is not closed for others. */
  began(connection: Closable): void
  /** A request of it is over. */
  ended(connection: Closable): void
  /** It is closed. */
  left(connection: Closable): void
}

/** Connections of one address, and of those the idle ones, longest idle first. */
interface Group {
  held: number
  readonly idle: Set<Closable>
}

/**
 * One address can neither take all connections nor keep others out with silent ones: beyond its share it only takes
 * from itself, and when all are taken, the one that has been idle for longest is closed for the new one.
 */
export function openAdmission(limits: AdmissionLimits): Admission {
  const most = Math.max(1, Math.floor(limits.connections * limits.share))
  const groups = new Map<string, Group>()
  const held = new Map<Closable, { readonly name: string; readonly group: Group; running: number }>()
  const idle = new Set<Closable>()

  const left = (connection: Closable) => {
    const found = held.get(connection)
    if (found === undefined) return
    held.delete(connection)
    idle.delete(connection)
    found.group.idle.delete(connection)
    found.group.held -= 1
    if (found.group.held === 0) groups.delete(found.name)
  }
  const closeFirst = (among: Set<Closable>) => {
    const [first] = among
    if (first === undefined) return false
    left(first)
    first.destroy()
    return true
  }
  const isShared = (name: string) => !(limits.proxyOnLoopback && isLoopback(name))

  return {
    admit: (connection, remote) => {
      const name = networkOf(remote)
      const before = groups.get(name)
      if (before !== undefined && before.held >= most && isShared(name) && !closeFirst(before.idle))
        return false
      if (held.size >= limits.connections && !closeFirst(idle)) return false
      // Asked for again: closing the last connection of this address forgot its group.
      const group = groups.get(name) ?? { held: 0, idle: new Set() }
      groups.set(name, group)
      group.held += 1
      held.set(connection, { name, group, running: 0 })
      group.idle.add(connection)
      idle.add(connection)
      return true
    },
    began: (connection) => {
      const found = held.get(connection)
      if (found === undefined) return
      found.running += 1
      if (found.running > 1) return
      idle.delete(connection)
      found.group.idle.delete(connection)
    },
    ended: (connection) => {
      const found = held.get(connection)
      if (found === undefined) return
      found.running -= 1
      if (found.running > 0) return
      idle.add(connection)
      found.group.idle.add(connection)
    },
    left,
  }
}

/** Whoever has an IPv6 address has 2^64 of them (RFC 4291 2.5.4), so those count as one. */
export function networkOf(remote: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(remote)?.[1]
  if (mapped !== undefined || !remote.includes(':') || remote === '::1') return mapped ?? remote
  const [start = '', end] = remote.split('::')
  const groups = start === '' ? [] : start.split(':')
  const behind = end === undefined || end === '' ? 0 : end.split(':').length
  const zeros = end === undefined ? 0 : Math.max(0, 8 - groups.length - behind)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...(end ?? '').split(':')]
  return `${all.slice(0, 4).join(':')}::/64`
}
