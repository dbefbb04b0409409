/** A request goes to one place of the upstream, and to another one where the first cannot have seen it. */
import type { Carriage, Upstream } from './carriage.ts'
import { carry } from './carry.ts'
import { hasBody } from './fields.ts'
import { neverConnected, type Pool } from './pool.ts'

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
      failed(status, cause) {
        if (neverConnected(cause)) pool.notReached(upstream)
        const another = mayTryAgain(carriage, status, cause) ? pool.other(tried) : undefined
        if (another === undefined) failed(status, cause)
        else attempt(another)
      },
    })
  }
  attempt(pool.pick())
}

/** A body that is on its way is gone; what changes nothing may be asked twice (RFC 9110 9.2.2). */
function mayTryAgain(
  { request, body }: Omit<Carriage, 'upstream' | 'failed'>,
  status: number,
  cause: unknown,
): boolean {
  if (status !== 502 || (body === undefined && hasBody(request.rawHeaders))) return false
  return neverConnected(cause) || ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '')
}
