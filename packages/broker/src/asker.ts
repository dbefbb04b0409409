/** Who asks for a credential: the job that a platform's token names, or whoever opened a session with one. */
import { Failure } from './base/failure.ts'
import type { Secret } from './base/secret.ts'
import type { Principal } from './domain.ts'
import type { Change } from './store/store.ts'

export interface AskerParts {
  /**
   * `audience`: another name of ours that the token may be for. Throws `subject_token_invalid` or
   * `provider_unavailable`.
   */
  readonly verify: (token: string, audience?: string) => Promise<Principal>
  /** Throws `client_rejected` for what is no session, or none that lives. Absent: there are none. */
  readonly session?: (token: string) => Promise<SessionHolder>
}

/** Whoever opened a session, and the lease that the session is. */
export interface SessionHolder {
  readonly principal: Principal
  readonly lease: string
}

/** Who asks, and what makes sure, in the commit that writes their lease down, that they may still ask. */
export interface Asker {
  readonly principal: Principal
  readonly once: Change
  /** Id of the session's lease. */
  readonly session: string | undefined
}

interface Request {
  readonly subjectToken: Secret
  readonly audience?: string
  readonly issuer?: string
  readonly session?: true
}

/** A platform's token is spent once. A session is asked with often, and has to be alive at that very moment. */
export async function whoAsks(parts: AskerParts, request: Request): Promise<Asker> {
  const token = request.subjectToken.reveal()
  if (request.session !== true) {
    const principal = await parts.verify(token, request.audience)
    // OpenID Connect Core 3.1.3.7 (2): a provider says who somebody is with tokens of its own.
    if (request.issuer !== undefined && principal.issuer !== request.issuer)
      throw new Failure('subject_token_invalid', { reason: 'a token of another issuer than the one asked' })
    return { principal, once: spent(principal), session: undefined }
  }
  if (parts.session === undefined)
    throw new Failure('client_rejected', { reason: 'there are no sessions here' })
  const { principal, lease } = await parts.session(token)
  return {
    principal,
    once: { kind: 'lease.move', id: lease, from: ['active'], to: 'active' },
    session: lease,
  }
}

/** The change that spends a principal's token. */
export function spent({ replayKey, replayUntil }: Principal): Change {
  return { kind: 'spend', key: replayKey, until: replayUntil }
}
