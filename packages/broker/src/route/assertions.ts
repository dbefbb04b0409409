/** Who was let in, signed for an upstream. */
import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import { Recent } from './recent.ts'
import type { Admitted } from './route.ts'

/** Who asks, for one upstream. */
export interface AssertionClaims {
  readonly sub: string
  readonly aud: string
  readonly iat: number
  readonly exp: number
  readonly lease: string
  readonly scope: string
  /** Who acts for the subject (RFC 8693 4.1). */
  readonly act?: { readonly sub: string }
}

const assertionSeconds = 60

export type Assertions = (admitted: Admitted, audience: string) => string

/** Signed twice a minute for each lease, so that it costs a request nothing. `sign`: by the key that signs now. */
export function openAssertions(
  {
    assert,
    tools,
  }: { readonly assert?: (claims: AssertionClaims) => string; readonly tools: Pick<Tools, 'now'> },
  size: number,
): Assertions {
  const signed = new Recent<{ readonly text: string; readonly until: number }>(size)
  return ({ leaseId, subject, scopes, actor, expiresAt }, aud) => {
    const key = `${leaseId} ${scopes.join(' ')} ${aud}`
    const now = Math.floor(tools.now() / 1000)
    const known = signed.get(key)
    if (known !== undefined && now < known.until) return known.text
    if (assert === undefined) throw new Failure('internal', { reason: 'nothing signs assertions' })
    const exp = Math.min(now + assertionSeconds, Math.floor(expiresAt))
    const act = actor === undefined ? {} : { act: { sub: actor } }
    const text = assert({ sub: subject, aud, iat: now, exp, lease: leaseId, scope: scopes.join(' '), ...act })
    signed.forget(({ until }) => until <= now)
    signed.set(key, { text, until: Math.min(now + assertionSeconds / 2, exp) })
    return text
  }
}
