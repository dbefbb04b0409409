/**
 * sessions: for dialects whose clients log in first and ask later. A platform's token is spent once, so what it proved is
 * kept, sealed, with a lease of its own; whoever shows the session's token is that job, and each thing that it asks for is
 * decided by the exchange, anew. A session opens nothing by itself. It ends with its job, a switch, or its time.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { type SessionHolder, spent } from './asker.ts'
import { canonicalJson } from './base/canonical-json.ts'
import { Failure } from './base/failure.ts'
import { newId } from './base/id.ts'
import { Secret } from './base/secret.ts'
import { parseStrictObject } from './base/strict-json.ts'
import type { Tools } from './base/tools.ts'
import type { AuditEvent, Lease, LeaseState, Principal } from './domain.ts'
import type { HandleSeal } from './issue/handle.ts'
import { sessionKind } from './issue/session-lease.ts'
import type { Handle } from './issue/target.ts'
import { refused } from './refusal.ts'
import type { Revoke } from './revoke/revoke.ts'
import type { Change, Store } from './store/store.ts'

/** The target's name in leases of sessions: no policy can have one of that name. */
const sessionTarget = '(session)'

export interface SessionRequest {
  readonly subjectToken: Secret
  readonly via: string
  /** The name that the caller gave, for the record. */
  readonly role?: string
}

export interface OpenedSession {
  readonly token: Secret
  readonly lease: Lease
}

export interface Sessions {
  /** Throws `subject_token_invalid`, `target_refused` where the policy gives this job nothing at all; both are in the log. */
  open(request: SessionRequest): Promise<OpenedSession>
  /** Who opened it. Throws `client_rejected` for what is no session, or none that lives. */
  holder(token: string): Promise<SessionHolder>
  /** The session's own lease. Throws as `holder` does. */
  find(token: string): Promise<Lease>
  /** A lease that was asked for by this session and lives; `undefined` for any other. */
  leaseOf(token: string, id: string): Promise<Lease | undefined>
  /** Ends the session and what was asked for by it. */
  end(token: string): Promise<void>
}

export interface SessionParts {
  readonly verify: (token: Secret) => Promise<Principal>
  /** Whether the policy in force gives this job anything. */
  readonly mayHaveAny: (principal: Principal) => boolean
  readonly store: Pick<Store, 'commit' | 'lease' | 'leases'>
  readonly handles: HandleSeal
  readonly revoke: Pick<Revoke, 'endLease'>
  readonly record: (event: AuditEvent) => { readonly id: string; readonly change: Change }
  readonly refuse: (event: AuditEvent) => Promise<string>
  readonly seconds: number
  readonly jobLimit: number
  readonly tools: Tools
}

const alive: readonly LeaseState[] = ['pending', 'active']
const page = 200

/** Builds the sessions of one broker; they live in the store, so that every replica knows them. */
export function openSessions(parts: SessionParts): Sessions {
  return {
    open: (request) => open(parts, request),
    holder: async (token) => {
      const { lease, principal } = await known(parts, token)
      return { lease: lease.id, principal }
    },
    find: async (token) => (await known(parts, token)).lease,
    async leaseOf(token, id) {
      const { lease: session } = await known(parts, token)
      const lease = await parts.store.lease(id)
      return lease?.session === session.id && alive.includes(lease.state) ? lease : undefined
    },
    end: async (token) => await end(parts, (await known(parts, token)).lease),
  }
}

async function open(parts: SessionParts, request: SessionRequest): Promise<OpenedSession> {
  const seen: { principal?: Principal } = {}
  try {
    const principal = await parts.verify(request.subjectToken)
    seen.principal = principal
    if (!parts.mayHaveAny(principal)) throw nothingFor(principal)
    const secret = Buffer.from(parts.tools.randomBytes(32)).toString('base64url')
    const lease = draw(parts, principal, secret)
    const opened = parts.record(event(request, principal, lease))
    const create = { kind: 'lease.create', lease, jobLimit: parts.jobLimit } as const
    await parts.store.commit([spent(principal), create, opened.change])
    return { lease, token: new Secret(`mvs.${lease.id}.${secret}`) }
  } catch (thrown) {
    throw await refused(parts, request, seen, thrown)
  }
}

/** A login that could lead nowhere is refused at once, where whoever reads the job's output looks first. */
function nothingFor({ claims, issuer }: Principal): Failure {
  const { repository } = claims
  const who = typeof repository === 'string' ? repository.toLowerCase() : `this token of \`${issuer}\``
  const summary = `no grant gives anything to ${who}`
  return new Failure('target_refused', { reason: summary, explanation: { summary, grants: [] } })
}

function draw(parts: SessionParts, principal: Principal, secret: string): Lease {
  const id = newId('ls', parts.tools)
  const createdAt = Math.floor(parts.tools.now() / 1000)
  const { issuer, subject, job, repository, actor } = principal
  return {
    ...{ id, state: 'active', target: sessionTarget, kind: sessionKind, issuer, subject },
    ...{ grants: [], scopes: [], createdAt, expiresAt: createdAt + parts.seconds },
    ...(job === undefined ? {} : { job }),
    ...(repository === undefined ? {} : { repository }),
    ...(actor === undefined ? {} : { actor }),
    handle: parts.handles.seal(id, sealed(principal, secret)),
  }
}

function sealed({ claims, job, repository, actor, ...rest }: Principal, secret: string): Handle {
  return {
    ...{ proof: digest(secret), ...rest, claims: canonicalJson(claims) },
    ...(job === undefined ? {} : { job: { ...job } }),
    ...(repository === undefined ? {} : { repository }),
    ...(actor === undefined ? {} : { actor }),
  }
}

function event({ via, role }: SessionRequest, principal: Principal, lease: Lease): AuditEvent {
  return {
    type: 'session.opened',
    lease: lease.id,
    issuer: principal.issuer,
    subject: principal.subject,
    ...(role === undefined ? {} : { role }),
    expires: lease.expiresAt,
    via,
    ...(principal.job === undefined ? {} : { job: principal.job }),
    claims: principal.claims,
  }
}

/** What we sealed ourselves: a shape that is not this one is a fault of ours. */
const handleShape = z.strictObject({
  proof: z.string(),
  ...{ issuer: z.string(), iss: z.string(), subject: z.string(), claims: z.string() },
  ...{ replayKey: z.string(), replayUntil: z.number() },
  job: z
    .strictObject({ issuer: z.string(), id: z.string().exactOptional(), run: z.string().exactOptional() })
    .exactOptional(),
  repository: z.string().exactOptional(),
  actor: z.string().exactOptional(),
})

async function known(
  parts: SessionParts,
  token: string,
): Promise<{ readonly lease: Lease; readonly principal: Principal }> {
  const [, id = '', secret = ''] = /^mvs\.(ls_[0-9a-z]{26})\.([A-Za-z0-9_-]{43})$/.exec(token) ?? []
  const lease = id === '' ? undefined : await parts.store.lease(id)
  if (lease === undefined || lease.kind !== sessionKind) throw rejected('what was sent is no session of ours')
  const { proof, claims, ...rest } = handleShape.parse(parts.handles.open(lease))
  if (!timingSafeEqual(Buffer.from(proof), Buffer.from(digest(secret))))
    throw rejected('the secret of the session is another one')
  if (lease.state !== 'active') throw rejected(`the session is ${lease.state} (${lease.endedBy ?? ''})`)
  if (parts.tools.now() / 1000 >= lease.expiresAt) throw rejected('the session is past its end')
  // Claims are read as they were: an object without prototype.
  return { lease, principal: { ...rest, claims: parseStrictObject(claims) } }
}

function rejected(reason: string): Failure {
  return new Failure('client_rejected', { reason })
}

/** The session first: from then on nothing new can be asked for by it. */
async function end(parts: SessionParts, session: Lease): Promise<void> {
  await parts.revoke.endLease(session, 'caller')
  for (;;) {
    const leases = await parts.store.leases({ states: alive, session: session.id, limit: page })
    for (const lease of leases) await parts.revoke.endLease(lease, 'caller')
    if (leases.length < page) return
  }
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
