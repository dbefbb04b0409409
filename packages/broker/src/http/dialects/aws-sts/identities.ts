import type { Tools } from '../../../base/tools.ts'
import type { Identities, Identity } from '../../doors.ts'

/** Clients ask who they are at once, or never. */
const keptMs = 300_000
const most = 4096

/** Keeps who was given keys for some minutes, in this process alone; the oldest make room. */
export function openIdentities(tools: Pick<Tools, 'now'>): Identities {
  const kept = new Map<string, { readonly identity: Identity; readonly until: number }>()
  const forget = () => {
    for (const [id, { until }] of kept) {
      if (until > tools.now() && kept.size < most) return
      kept.delete(id)
    }
  }
  return {
    keep(identity) {
      forget()
      kept.delete(identity.accessKeyId)
      kept.set(identity.accessKeyId, { identity, until: tools.now() + keptMs })
    },
    find(accessKeyId) {
      forget()
      return kept.get(accessKeyId)?.identity
    },
  }
}
