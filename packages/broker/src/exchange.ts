/**
 * exchange: the story. Who is asking, may they, write it down, hand it over. The token endpoint, every dialect and
 * every other way to a credential goes through here; there is no second path. It receives implementations.
 */
import { type Asker, type AskerParts, jobsOf, partyOf, whoAsks } from './asker.ts'
import { asFailure, Failure, type FailureCode } from './base/failure.ts'
import { newId } from './base/id.ts'
import type { Secret } from './base/secret.ts'
import type { Tools } from './base/tools.ts'
import type { AuditEvent, Credential, Grant, Lease, Principal, Terms } from './domain.ts'
import { type Handle, type Issued, IssueFailure, type Target } from './issue/target.ts'
import { askedFor, recordedActor, refused } from './refusal.ts'
import type { Change, Store } from './store/store.ts'

export interface ExchangeRequest {
  readonly subjectToken: Secret
  /** Of whoever acts with the subject's rights (RFC 8693 `actor_token`). */
  readonly actorToken?: Secret
  /** How it was asked, for the record: `token-exchange`, `jwt-bearer`, a dialect's name. */
  readonly via: string
  /** A target's name (RFC 8693 `audience`). Exactly one of `target` and `resource`. */
  readonly target?: string
  /** A target's audience URI (RFC 8693 `resource`). */
  readonly resource?: string
  readonly scopes?: readonly string[]
  /** The lifetime wished for; it only ever shortens. */
  readonly seconds?: number
  /** Another name of ours that the token may be for, where a dialect's clients cannot ask for one of our URL. */
  readonly audience?: string
  /** The one configured issuer whose token it may be; absent: any. */
  readonly issuer?: string
  /** Credentials that the job may have in all, where that is not what is configured for jobs. */
  readonly jobLimit?: number
  /** `subjectToken` stands for a session of ours (`sessions.ts`), not for a token of a platform. */
  readonly session?: true
  /** Why a dialect cannot hand over what the policy gives, in words for the log; `undefined`: it can. */
  readonly misfit?: (given: Given) => string | undefined
}

/** What the policy gives, before anything of it exists. */
export interface Given {
  readonly kind: string
  /** The target's own, templates filled in. */
  readonly settings: Grant['settings']
}

export interface ExchangeAnswer {
  readonly leaseId: string
  /** The target's kind: what form the credential has. */
  readonly kind: string
  readonly credential: Credential
  /** For credentials that are not our own token: introspects and revokes the lease. */
  readonly leaseToken?: Secret
  readonly scopes: readonly string[]
  /** Names of the grants that gave it. */
  readonly grants: readonly string[]
  readonly issuedAt: number
  readonly expiresAt: number
}

export type Exchange = (request: ExchangeRequest) => Promise<ExchangeAnswer>

/** What the policy said yes to. */
export interface Permission {
  readonly target: string
  readonly kind: string
  readonly settings: Grant['settings']
  readonly grants: readonly string[]
  readonly scopes: readonly string[]
  /** The least of policy, target and request. */
  readonly seconds: number
  /** Digest of the policy that said so. */
  readonly policy: string
  readonly terms: Terms
}

export interface ExchangeParts extends AskerParts {
  /** Throws `target_refused` or `scope_refused`, with an explanation for the principal. No I/O. */
  readonly decide: (principal: Principal, request: ExchangeRequest, acting?: Principal) => Permission
  readonly target: (kind: string) => Target | undefined
  readonly store: Pick<Store, 'commit'>
  readonly sealHandle: (leaseId: string, handle: Handle) => Uint8Array
  /** Settings of a target with templates filled in from the token. Throws `target_refused`. */
  readonly filledIn: (settings: Grant['settings'], principal: Principal) => Grant['settings']
  /** Issues for one connection at a time that is not full and not down. */
  readonly guarded: <T>(connection: string, issue: () => Promise<T>) => Promise<T>
  /** A token of ours by which whoever holds it can look at the lease and end it. */
  readonly leaseToken: (grant: Grant) => Promise<Secret>
  readonly record: (event: AuditEvent) => { readonly id: string; readonly change: Change }
  /** Writes a refusal to the log, or counts it there when there are too many; answers with an id for the caller. */
  readonly refuse: (event: AuditEvent) => Promise<string>
  /** Takes back what a failed issue may have left behind; where it fails, the sweep finishes it. */
  readonly abandon: (lease: Lease, left: 'unknown' | 'nothing') => Promise<void>
  /** Digest of the policy in force, for the record of a refusal. */
  readonly policy: () => string
  /** Counts what became of a request; names are checked by whoever counts. */
  readonly observe?: (
    outcome: 'issued' | FailureCode,
    target: string | undefined,
    issuer: string | undefined,
  ) => void
  /** Credentials that one job may have in all. */
  readonly jobLimit: number
  readonly tools: Tools
}

/** Builds the exchange from its parts. */
export function openExchange(parts: ExchangeParts): Exchange {
  return async (request) => {
    const seen: { principal?: Principal; acting?: Principal; policy?: string } = {}
    try {
      const asker = await whoAsks(parts, request)
      const { principal, acting } = asker
      seen.principal = principal
      if (acting !== undefined) seen.acting = acting
      // The policy may change while we wait for the store: the record names the one that decided.
      seen.policy = parts.policy()
      const permission = parts.decide(principal, request, acting)
      const misfit = request.misfit?.({
        kind: permission.kind,
        settings: parts.filledIn(permission.settings, principal),
      })
      if (misfit !== undefined) throw new Failure('target_refused', { reason: misfit })
      const answer = await handOver(parts, request, asker, permission)
      parts.observe?.('issued', permission.target, principal.issuer)
      return answer
    } catch (thrown) {
      const failure = await refused(parts, request, seen, thrown)
      // A name that the policy did not say yes to would tell whoever reads the metrics which targets exist.
      parts.observe?.(failure.code, undefined, seen.principal?.issuer)
      throw failure
    }
  }
}

/** Written down before anything exists; handed over only once `credential.issued` is durable (invariants 1, 2). */
async function handOver(
  parts: ExchangeParts,
  request: ExchangeRequest,
  asker: Asker,
  permission: Permission,
): Promise<ExchangeAnswer> {
  const target = parts.target(permission.kind)
  if (target === undefined)
    throw new Failure('target_refused', { reason: `no target of kind ${permission.kind}` })
  const { once, session } = asker
  const { grant, lease, handle } = draw(parts, asker, permission, target)
  const begun = target.local ? 'credential.issued' : 'credential.pending'
  const first = parts.record(event(begun, request, grant, permission, session))
  await parts.store.commit([
    ...once,
    { kind: 'lease.create', lease, jobLimit: request.jobLimit ?? parts.jobLimit },
    first.change,
  ])
  let known = lease
  try {
    const { handle: later, expiresAt: ends, used, ...credential } = await issue(parts, target, grant, handle)
    const { issuedAt, scopes } = grant
    const expiresAt = Math.min(grant.expiresAt, ends ?? grant.expiresAt)
    if (later !== undefined) known = withHandle(parts, lease, later)
    if (!target.local) {
      const active = { kind: 'lease.move', id: lease.id, from: ['pending'], to: 'active' } as const
      const learned = known === lease ? {} : { handle: known.handle }
      const issued = parts.record(
        event('credential.issued', request, { ...grant, expiresAt }, permission, session),
      )
      const use = used === undefined ? [] : [{ kind: 'secret.use', name: used, at: issuedAt } as const]
      await parts.store.commit([{ ...active, ...learned }, issued.change, ...use])
    }
    const leaseToken = target.kind === 'token' ? {} : { leaseToken: await parts.leaseToken(grant) }
    return {
      leaseId: lease.id,
      kind: grant.kind,
      credential,
      ...leaseToken,
      scopes,
      grants: lease.grants,
      issuedAt,
      expiresAt,
    }
  } catch (thrown) {
    await giveUp(parts, known, thrown)
    throw thrown
  }
}

function withHandle(parts: ExchangeParts, lease: Lease, handle: () => Handle): Lease {
  return { ...lease, handle: parts.sealHandle(lease.id, handle()) }
}

/** What is left of a failed issue is taken back; whoever asked hears of the failure that came first. */
async function giveUp(parts: ExchangeParts, lease: Lease, thrown: unknown): Promise<void> {
  const left = thrown instanceof IssueFailure ? thrown.left : 'unknown'
  try {
    if (typeof left === 'string') await parts.abandon(lease, left)
    else await parts.abandon(withHandle(parts, lease, left.handle), 'unknown')
  } catch (cause) {
    parts.tools.log.error('a failed lease waits for the sweep', { lease: lease.id, cause })
  }
}

async function issue(parts: ExchangeParts, target: Target, grant: Grant, handle: Handle): Promise<Issued> {
  const connection = target.connection?.(grant)
  if (connection === undefined) return target.issue(grant, handle)
  let begun = false
  try {
    return await parts.guarded(connection, () => {
      begun = true
      return target.issue(grant, handle)
    })
  } catch (thrown) {
    throw begun ? thrown : new IssueFailure(asFailure(thrown), 'nothing')
  }
}

function draw(parts: ExchangeParts, asker: Asker, permission: Permission, target: Target) {
  const { principal, acting, session } = asker
  const issuedAt = Math.floor(parts.tools.now() / 1000)
  const grant: Grant = {
    leaseId: newId('ls', parts.tools),
    principal,
    ...(acting === undefined ? {} : { acting }),
    target: permission.target,
    kind: permission.kind,
    settings: parts.filledIn(permission.settings, principal),
    scopes: permission.scopes,
    issuedAt,
    expiresAt: issuedAt + permission.seconds,
  }
  const handle = target.prepare(grant)
  const lease: Lease = {
    id: grant.leaseId,
    state: target.local ? 'active' : 'pending',
    target: grant.target,
    kind: grant.kind,
    issuer: principal.issuer,
    subject: principal.subject,
    grants: permission.grants,
    scopes: grant.scopes,
    ...jobsOf(asker),
    ...(principal.repository === undefined ? {} : { repository: principal.repository }),
    ...(principal.actor === undefined ? {} : { actor: principal.actor }),
    ...(acting === undefined ? {} : { act: partyOf(acting) }),
    terms: permission.terms,
    ...(session === undefined ? {} : { session }),
    createdAt: issuedAt,
    expiresAt: grant.expiresAt,
    handle: parts.sealHandle(grant.leaseId, handle),
  }
  return { grant, lease, handle }
}

function event(
  type: 'credential.issued' | 'credential.pending',
  request: ExchangeRequest,
  grant: Grant,
  permission: Permission,
  session: string | undefined,
): AuditEvent {
  const { principal, acting } = grant
  const job = acting?.job ?? principal.job
  return {
    type,
    lease: grant.leaseId,
    issuer: principal.issuer,
    subject: principal.subject,
    target: grant.target,
    kind: grant.kind,
    grants: permission.grants,
    scopes: grant.scopes,
    seconds: permission.seconds,
    expires: grant.expiresAt,
    policy: permission.policy,
    via: request.via,
    ...(session === undefined ? {} : { session }),
    ...askedFor(request),
    ...(job === undefined ? {} : { job }),
    claims: principal.claims,
    ...(acting === undefined ? {} : { act: recordedActor(acting) }),
  }
}
