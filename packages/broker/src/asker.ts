/** Who asks for a credential: the job that a platform's token names, or whoever opened a session with one. */
import { Failure } from './base/failure.ts'
import type { Secret } from './base/secret.ts'
import type { Job, Lease, Principal } from './domain.ts'
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
  /** Who acts with the principal's rights. */
  readonly acting?: Principal
  readonly once: readonly Change[]
  /** Id of the session's lease. */
  readonly session: string | undefined
}

interface Request {
  readonly subjectToken: Secret
  /** Of whoever acts for the subject (RFC 8693 2.1). */
  readonly actorToken?: Secret
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
    if (request.actorToken === undefined) return { principal, once: [spent(principal)], session: undefined }
    return { ...(await bothOf(parts, principal, request.actorToken)), session: undefined }
  }
  if (parts.session === undefined)
    throw new Failure('client_rejected', { reason: 'there are no sessions here' })
  const { principal, lease } = await parts.session(token)
  return {
    principal,
    once: [{ kind: 'lease.move', id: lease, from: ['active'], to: 'active' }],
    session: lease,
  }
}

/** Both have to be shown, and both are spent (so one token cannot be both): whoever found one can do nothing with it alone. */
async function bothOf(
  parts: AskerParts,
  principal: Principal,
  actorToken: Secret,
): Promise<Omit<Asker, 'session'>> {
  const acting = await actorOf(parts, actorToken)
  const fault = actorFault(principal, acting)
  if (fault !== undefined) throw new Failure('subject_token_invalid', { reason: fault })
  return { principal, acting, once: [spent(principal), spent(acting)] }
}

async function actorOf(parts: AskerParts, actorToken: Secret): Promise<Principal> {
  try {
    return await parts.verify(actorToken.reveal())
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const { code, reason, cause } = thrown
    throw new Failure(code, { reason: `the actor's token: ${reason}`, cause })
  }
}

/** RFC 8693 4.4: where a token says who may act for its subject, nobody else may. */
function actorFault(principal: Principal, acting: Principal): string | undefined {
  const allowed = principal.claims['may_act']
  if (allowed === undefined) return undefined
  const said = typeof allowed === 'object' && allowed !== null ? Object.entries(allowed) : []
  const fits = said.length > 0 && said.every(([name, value]) => acting.claims[name] === value)
  return fits ? undefined : "the subject's token says that somebody else may act for it"
}

/** The jobs of which each ends a lease: that in which it is used, and another one of the subject. */
export function jobsOf({ principal, acting }: Asker): Pick<Lease, 'job' | 'otherJob'> {
  const [own, other] = acting?.job === undefined ? [principal.job, undefined] : [acting.job, principal.job]
  if (own === undefined) return {}
  return other === undefined || isSame(own, other) ? { job: own } : { job: own, otherJob: other }
}

function isSame(one: Job, other: Job): boolean {
  return one.issuer === other.issuer && one.id === other.id && one.run === other.run
}

/** What a lease keeps of whoever acts. */
export function partyOf({ issuer, subject, repository, actor }: Principal): NonNullable<Lease['act']> {
  return {
    ...{ issuer, subject },
    ...(repository === undefined ? {} : { repository }),
    ...(actor === undefined ? {} : { actor }),
  }
}

/** The change that spends a principal's token. */
export function spent({ replayKey, replayUntil }: Principal): Change {
  return { kind: 'spend', key: replayKey, until: replayUntil }
}
