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

/**
 * Seals and opens the handles of leases. `null`, the handle of credentials that nobody has to take back, has nothing
 * to hide and is kept as no bytes at all.
 */
export function openHandleSeal(seal: Seal): HandleSeal {
  return {
    seal: (leaseId, handle) =>
      handle === null
        ? new Uint8Array()
        : seal.seal('lease-handle', leaseId, Buffer.from(canonicalJson(handle), 'utf8')),
    open: (lease) => {
      if (lease.handle.length === 0) return null
      const bytes = seal.open('lease-handle', lease.id, lease.handle)
      return JSON.parse(new TextDecoder().decode(bytes)) as Handle
    },
  }
}
