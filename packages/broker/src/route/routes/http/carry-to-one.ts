/** A request goes to one place of the upstream, and to another one where the first cannot have seen it. */
import { Failure } from '../../../base/failure.ts'
import type { Carriage, Upstream } from './carriage.ts'
import { carry } from './carry.ts'
import { hasBody } from './fields.ts'
import { neverConnected, type Pool } from './pool.ts'
import { carryWebSocket, type Handshake } from './websocket.ts'

/** `failed`: as a carriage's. */
export function carryToOne(
  pool: Pool,
  carriage: Omit<Carriage, 'upstream' | 'failed'>,
  failed: Carriage['failed'],
): void {
  const tried = new Set<Upstream>()
  const attempt = (upstream: Upstream): void => {
    tried.add(upstream)
    carry({
      ...carriage,
      upstream,
      failed(status, cause, unsent = false) {
        const isUnseen = unsent || neverConnected(cause)
        if (isUnseen && isOfPlace(cause)) pool.notReached(upstream)
        const another = mayTryAgain(carriage, status, cause, isUnseen) ? pool.other(tried) : undefined
        if (another === undefined) failed(status, cause)
        else attempt(another)
      },
    })
  }
  attempt(pool.pick())
}

/** The same for a handshake, which goes elsewhere only where none of it was sent. */
export function carryWebSocketToOne(pool: Pool, handshake: Omit<Handshake, 'upstream' | 'elsewhere'>): void {
  const tried = new Set<Upstream>()
  const attempt = (upstream: Upstream): void => {
    tried.add(upstream)
    carryWebSocket({ ...handshake, upstream, elsewhere })
  }
  const elsewhere = (upstream: Upstream, cause: unknown): boolean => {
    if (!isOfPlace(cause)) return false
    pool.notReached(upstream)
    const another = pool.other(tried)
    if (another !== undefined) attempt(another)
    return another !== undefined
  }
  attempt(pool.pick())
}

/** A budget that is spent, or a connector that is away, says nothing of one place. */
function isOfPlace(cause: unknown): boolean {
  return !(cause instanceof Failure)
}

/** A body that is on its way is gone; what changes nothing may be asked twice (RFC 9110 9.2.2). */
function mayTryAgain(
  { request, body }: Omit<Carriage, 'upstream' | 'failed'>,
  status: number,
  cause: unknown,
  isUnseen: boolean,
): boolean {
  if (!isOfPlace(cause) || (body === undefined && hasBody(request.rawHeaders))) return false
  return isUnseen || (status === 502 && ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? ''))
}
