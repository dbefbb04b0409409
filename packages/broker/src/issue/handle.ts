import { canonicalJson } from '../base/canonical-json.ts'
import type { Lease } from '../domain.ts'
import type { Seal } from './seal.ts'
import type { Handle } from './target.ts'

/** Handles as leases keep them: encrypted, and each bound to its own lease. */
export interface HandleSeal {
  seal(leaseId: string, handle: Handle): Uint8Array
  /** Throws `Failure('internal')` when the handle is not the one that was sealed for this lease. */
  open(lease: Pick<Lease, 'id' | 'handle'>): Handle
}

/** Seals and opens the handles of leases. */
export function openHandleSeal(seal: Seal): HandleSeal {
  return {
    seal: (leaseId, handle) => seal.seal('lease-handle', leaseId, Buffer.from(canonicalJson(handle), 'utf8')),
    open: (lease) => {
      const bytes = seal.open('lease-handle', lease.id, lease.handle)
      return JSON.parse(new TextDecoder().decode(bytes)) as Handle
    },
  }
}
