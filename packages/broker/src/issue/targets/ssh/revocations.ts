/** The certificates that ended before their time, as the list that hosts fetch. It reads the leases and keeps nothing. */
import { hash } from 'node:crypto'
import { z } from 'zod'
import { newId } from '../../../base/id.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Lease } from '../../../domain.ts'
import type { Store } from '../../../store/store.ts'
import type { Handle } from '../../target.ts'
import { blobOfLine } from './authority.ts'
import { revocationList } from './krl.ts'
import type { SshConnection } from './settings.ts'
import { longestCertificate, serialOf } from './ssh.ts'

export interface SshRevocationsParts {
  readonly connections: Readonly<Record<string, Pick<SshConnection, 'public_key' | 'krl'>>>
  readonly store: Pick<Store, 'leases'>
  readonly openHandle: (lease: Lease) => Handle
  readonly tools: Pick<Tools, 'now' | 'log'>
}

/** A revocation list, and a tag that stays the same while its content does. */
export interface ServedList {
  readonly bytes: Uint8Array
  readonly tag: string
}

export interface SshRevocations {
  /** The authorities that have a list. */
  readonly authorities: readonly string[]
  /** The list of one of them; the store is asked every few seconds at most. `undefined` for another name. */
  list(authority: string): Promise<ServedList | undefined>
}

/** So long an answer serves others who ask: the door is open to everybody, the store is not. */
const freshMs = 5_000
/** A certificate stays listed after its end, for hosts whose clocks are behind. */
const lateSeconds = 3_600
const page = 500

/** What `prepare` gave. */
const sshHandle = z.object({ authority: z.string(), key: z.base64() })

interface Ended {
  readonly serial: bigint
  /** Absent where the handle could not be read: then it is listed for every authority. */
  readonly authority?: string
  readonly key?: string
}

/** Opens the lists. */
export function openSshRevocations(parts: SshRevocationsParts): SshRevocations {
  const listed = Object.entries(parts.connections).filter(([, connection]) => connection.krl)
  const keys = new Map(
    listed.map(([name, { public_key }]) => [name, blobOfLine(public_key).toString('base64')]),
  )
  let kept: { readonly at: number; readonly ended: Promise<readonly Ended[]> } | undefined
  const ended = (): Promise<readonly Ended[]> => {
    const now = parts.tools.now()
    // A clock that was set back must not keep an old list for ever.
    if (kept !== undefined && Math.abs(now - kept.at) < freshMs) return kept.ended
    const asked = { at: now, ended: endedEarly(parts, Math.floor(now / 1000)) }
    kept = asked
    asked.ended.catch(() => {
      if (kept === asked) kept = undefined
    })
    return asked.ended
  }
  return {
    authorities: [...keys.keys()],
    list: async (authority) => {
      const key = keys.get(authority)
      if (key === undefined) return undefined
      return listFor(authority, key, await ended(), Math.floor(parts.tools.now() / 1000))
    },
  }
}

function listFor(authority: string, key: string, ended: readonly Ended[], now: number): ServedList {
  const byKey = new Map<string, bigint[]>([[key, []]])
  for (const each of ended) {
    // The same key under a former name is the same authority to a host.
    const mine = each.authority === undefined || each.authority === authority || each.key === key
    if (!mine) continue
    const serials = byKey.get(each.key ?? '') ?? []
    serials.push(each.serial)
    byKey.set(each.key ?? '', serials)
  }
  const content = [...byKey].map(([of, serials]) => `${of} ${serials.join(' ')}`).join('\n')
  const bytes = revocationList({
    version: now,
    generatedAt: now,
    comment: `mayfly ${authority}`,
    revoked: [...byKey].map(([of, serials]) => ({ authority: Buffer.from(of, 'base64'), serials })),
  })
  return { bytes, tag: hash('sha256', content, 'base64url').slice(0, 22) }
}

/** Every lease of ours that was ended early and whose certificate some host may still take for valid. */
async function endedEarly(parts: SshRevocationsParts, now: number): Promise<readonly Ended[]> {
  const since = (now - longestCertificate - lateSeconds) * 1000
  // Ids begin with their time: everything after the least id of that moment is younger.
  let after = newId('ls', { now: () => Math.max(0, since), randomBytes: (size) => new Uint8Array(size) })
  const ended: Ended[] = []
  for (;;) {
    const leases = await parts.store.leases({ states: ['revoked', 'stuck'], kind: 'ssh', after, limit: page })
    for (const lease of leases) if (lease.expiresAt + lateSeconds > now) ended.push(endedOf(parts, lease))
    const last = leases.at(-1)
    if (last === undefined || leases.length < page) return ended
    after = last.id
  }
}

function endedOf(parts: SshRevocationsParts, lease: Lease): Ended {
  const serial = serialOf(lease.id)
  try {
    const handle = parts.openHandle(lease)
    const read = sshHandle.safeParse(handle)
    if (read.success) return { serial, ...read.data }
  } catch (cause) {
    parts.tools.log.warn('a handle cannot be read: its certificate is revoked for every authority', {
      lease: lease.id,
      cause,
    })
  }
  return { serial }
}
