/**
 * gate: the one way through to an upstream (invariant 3). For each request it verifies our own token, asks whether the
 * lease lives and is for the target of this route, and has the first admission and every refusal recorded. What it
 * remembers is verification alone, never that somebody was let in. It carries nothing, knows no protocol and never
 * hands a credential to a caller. `broker.ts` opens it; every kind of route calls it before it forwards anything.
 */
import { hash } from 'node:crypto'
import type { Json } from '../base/canonical-json.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent, Lease } from '../domain.ts'
import { type AskApproval, untilApproved } from './approvals.ts'
import { type AssertionClaims, type Assertions, openAssertions } from './assertions.ts'
import { type Budgets, meterOf } from './budgets.ts'
import { Recent } from './recent.ts'
import { beginRecord, type Recording } from './recording.ts'
import { redactedPath } from './redacted.ts'
import { type Known, refusedTo } from './refusing.ts'
import type { Admitted, Ask, Gate, RequestHead, StatementTerms } from './route.ts'

/** What the gate needs of one of our own access tokens once it is verified. */
export interface OwnToken {
  readonly leaseId: string
  readonly subject: string
  readonly audience: string
  readonly scopes: readonly string[]
  readonly actor?: string | undefined
  /** Seconds since 1970. */
  readonly expiresAt: number
}

export interface GateParts {
  /** Signature, issuer, type and times. Throws `subject_token_invalid`. */
  readonly verify: (token: string) => Promise<OwnToken> | OwnToken
  readonly lease: (id: string) => Promise<Lease | undefined>
  readonly audienceOf: (target: string) => string | undefined
  /** What the policy in force says of a request with a token of these scopes. */
  readonly verdict: (target: string, scopes: readonly string[], request: RequestHead) => Verdict
  /** What it says of statements with a token of these scopes. */
  readonly statements?: (target: string, scopes: readonly string[]) => StatementTerms | undefined
  /** What the lease made at its target, opened. */
  readonly openHandle?: (lease: Lease) => Json
  /** Resolves with the entry's id once the entry is durable. */
  readonly record: (event: AuditEvent) => Promise<string>
  readonly tools: Pick<Tools, 'now' | 'log' | 'randomBytes'>
  /** Absent: nobody can be asked, and what is held does not pass. */
  readonly approval?: AskApproval
  /** Absent: of what is let in, the first admissions alone are recorded. */
  readonly recording?: Recording
  /** Signs claims as our key says. */
  readonly assert?: (claims: AssertionClaims) => string
  /** Absent: nobody has a budget. */
  readonly budgets?: Budgets
  /** How many verified tokens are remembered. */
  readonly cacheSize?: number
  readonly observe?: (route: string, outcome: 'admitted' | FailureCode) => void
}

/** `writes`: it may change something. `held`: somebody has to approve it. `scopes`: those that would do. */
export type Verdict =
  | { readonly is: 'yes'; readonly writes: boolean; readonly held?: true }
  | { readonly is: 'body'; readonly writes: boolean; readonly fits: (json: unknown) => 'yes' | 'held' | 'no' }
  | { readonly is: 'no'; readonly reason: string; readonly scopes: readonly string[] }

interface Opened extends GateParts {
  /** Results of verification by hash of the token, nothing else: whether the lease lives is asked each time. */
  readonly verified: Recent<OwnToken>
  /** First admissions that are written or being written, by hash of the token and route. */
  readonly first: Recent<FirstAdmission>
  readonly asserted: Assertions
  /** The routes on which the first admission of a token is written. */
  readonly passed: WeakMap<OwnToken, Set<string>>
}

interface FirstAdmission {
  readonly written: Promise<string>
  /** The token's end, seconds since 1970. */
  readonly until: number
}

/** The gate over one store. Nothing is let in unless all of it could be checked and written down. */
export function openGate(parts: GateParts): Gate {
  const size = parts.cacheSize ?? 10_000
  const opened: Opened = {
    ...parts,
    verified: new Recent(size),
    first: new Recent(size),
    asserted: openAssertions(parts, size),
    passed: new WeakMap(),
  }
  return {
    admit: (ask) => admit(opened, ask),
    holds: async (admitted) => (await held(opened, admitted)) !== undefined,
    refuse: (admitted, ask, failure) =>
      refusedTo(opened, ask, admitted === undefined ? {} : { lease: admitted.leaseId }, failure),
    records: (target) => opened.recording?.mode(target) !== undefined,
    record(admitted, ask, carried) {
      const { recording, tools } = opened
      if (recording?.mode(ask.target) === undefined) return undefined
      return beginRecord(recording, tools, admitted, ask, carried).catch(async (thrown: unknown) => {
        throw await refusedTo(opened, ask, { lease: admitted.leaseId }, thrown)
      })
    },
    approve: (admitted, ask, show, signal) => approve(opened, admitted, ask, show, signal),
    meter({ leaseId, job }, ask) {
      const refused = (thrown: unknown) => refusedTo(opened, ask, { lease: leaseId }, thrown)
      return opened.budgets && meterOf(opened.budgets, opened.tools, { leaseId, job }, ask.target, refused)
    },
    permits: ({ scopes }, target, request) => opened.verdict(target, scopes, request).is !== 'no',
    statements: ({ scopes }, target) => opened.statements?.(target, scopes),
    assertion: (admitted, audience) => opened.asserted(admitted, audience),
    audience: (target) => opened.audienceOf(target),
    async upstream(admitted) {
      const lease = await held(opened, admitted)
      if (lease === undefined || opened.openHandle === undefined)
        throw new Failure('subject_token_invalid', { reason: 'the lease is over' })
      return opened.openHandle(lease)
    },
  }
}

/** The lease of somebody who was let in, while it is alive. */
async function held(opened: Opened, { leaseId, expiresAt }: Admitted): Promise<Lease | undefined> {
  const now = opened.tools.now() / 1000
  const lease = await opened.lease(leaseId)
  return lease !== undefined && whyDead(lease, now) === undefined && now < expiresAt ? lease : undefined
}

async function admit(opened: Opened, ask: Ask): Promise<Admitted> {
  const known: Known = {}
  try {
    const admitted = await check(opened, ask, known)
    opened.observe?.(ask.route, 'admitted')
    return admitted
  } catch (thrown) {
    throw await refusedTo(opened, ask, known, thrown)
  }
}

/** The world may have changed while somebody thought about it: the lease and the policy are asked once more. */
async function approve(opened: Opened, admitted: Admitted, ...more: Approving): Promise<void> {
  const [ask, show, signal] = more
  try {
    await untilApproved(opened, admitted, ask, show, signal)
    if ((await held(opened, admitted)) === undefined)
      throw new Failure('subject_token_invalid', { reason: 'the lease ended before the call was approved' })
    const verdict = ask.request && opened.verdict(ask.target, admitted.scopes, ask.request)
    if (verdict?.is === 'no') throw outside(verdict.reason, verdict.scopes)
  } catch (thrown) {
    throw await refusedTo(opened, ask, { lease: admitted.leaseId }, thrown)
  }
}

type Approving = [ask: Omit<Ask, 'token'>, show: () => Promise<Json>, signal: AbortSignal]

async function check(opened: Opened, ask: Ask, known: Known): Promise<Admitted> {
  if (ask.fault !== undefined) throw new Failure('request_malformed', { detail: ask.fault })
  if (ask.token === undefined) throw new Failure('client_rejected', { reason: 'no token' })
  const text = ask.token.reveal()
  const key = hash('sha256', text, 'base64')
  const token = remembered(opened, key) ?? (await verified(opened, key, text))
  known.lease = token.leaseId
  checkAudience(opened, ask, token)
  const { expiresAt, job } = await liveUntil(opened, ask, token)
  const request = checkRequest(opened, ask, token)
  if (opened.passed.get(token)?.has(ask.route) !== true) await recordFirst(opened, ask, key, token)
  const { leaseId, subject, scopes, actor } = token
  return { leaseId, subject, scopes, actor, expiresAt, job, ...request }
}

/** By the policy in force now: a scope may mean less than when the token was made. */
function checkRequest(opened: Opened, ask: Ask, token: OwnToken): Pick<Admitted, 'body' | 'writes' | 'held'> {
  if (ask.request === undefined) return {}
  const verdict = opened.verdict(ask.target, token.scopes, ask.request)
  if (verdict.is === 'yes' && verdict.held) return { writes: verdict.writes, held: true }
  if (verdict.is === 'yes') return verdict.writes ? writing : reading
  if (verdict.is === 'no') throw outside(verdict.reason, verdict.scopes)
  const { writes } = verdict
  const body = async (read: () => Promise<unknown>) => {
    try {
      const fits = verdict.fits(await read())
      if (fits === 'no') throw outside('no scope of the token lists a request with this body', [])
      return fits === 'held'
    } catch (thrown) {
      throw await refusedTo(opened, ask, { lease: token.leaseId }, thrown)
    }
  }
  return { writes, body }
}

const writing = { writes: true } as const
const reading = { writes: false } as const

function outside(reason: string, scopes: readonly string[]): Failure {
  const need = scopes.length === 0 ? '' : ` It needs the scope ${scopes.join(' or ')}.`
  return new Failure('scope_refused', {
    reason,
    detail: `The token does not allow this request.${need}`,
    needs: scopes,
  })
}

function remembered(opened: Opened, key: string): OwnToken | undefined {
  const token = opened.verified.get(key)
  if (token === undefined || opened.tools.now() / 1000 < token.expiresAt) return token
  opened.verified.delete(key)
  return undefined
}

async function verified(opened: Opened, key: string, text: string): Promise<OwnToken> {
  const token = await opened.verify(text)
  if (opened.tools.now() / 1000 >= token.expiresAt) {
    throw new Failure('subject_token_invalid', { reason: 'the token is past its end' })
  }
  const now = opened.tools.now() / 1000
  opened.verified.forget(({ expiresAt }) => expiresAt <= now)
  opened.first.forget(({ until }) => until <= now)
  opened.verified.set(key, token)
  return token
}

/** RFC 9068 4: a token for another resource is not for us, however good it is. */
function checkAudience({ audienceOf }: Opened, ask: Ask, token: OwnToken): void {
  const audience = audienceOf(ask.target)
  if (audience === undefined) {
    throw new Failure('internal', { reason: `target \`${ask.target}\` has no audience` })
  }
  if (token.audience !== audience) {
    throw new Failure('subject_token_invalid', {
      reason: `the token is for \`${token.audience}\`, and the target's audience is \`${audience}\``,
    })
  }
}

/** Read from the store at every request, so that a revocation counts from the next one on, on every replica. */
async function liveUntil(
  opened: Opened,
  ask: Ask,
  token: OwnToken,
): Promise<Pick<Admitted, 'expiresAt' | 'job'>> {
  let lease: Lease | undefined
  try {
    lease = await opened.lease(token.leaseId)
  } catch (cause) {
    throw new Failure('provider_unavailable', { reason: 'the lease could not be read', cause })
  }
  const reason = whyDead(lease, opened.tools.now() / 1000)
  if (lease === undefined || reason !== undefined) {
    throw new Failure('subject_token_invalid', { reason: reason ?? 'the lease is unknown' })
  }
  if (lease.target !== ask.target) {
    throw new Failure('subject_token_invalid', {
      reason: `the lease is for the target \`${lease.target}\`, not for \`${ask.target}\``,
    })
  }
  const expiresAt = Math.min(lease.expiresAt, token.expiresAt)
  // Verification and the read took time; the token may have ended meanwhile.
  if (opened.tools.now() / 1000 >= expiresAt) {
    throw new Failure('subject_token_invalid', { reason: 'the token is past its end' })
  }
  return { expiresAt, job: lease.job }
}

function whyDead(lease: Lease | undefined, now: number): string | undefined {
  if (lease === undefined) return 'the lease is unknown'
  if (lease.state !== 'active') {
    return `the lease is ${lease.state}${lease.endedBy === undefined ? '' : ` (${lease.endedBy})`}`
  }
  return now >= lease.expiresAt ? 'the lease is past its end' : undefined
}

/** Durable before the first request of a token on a route passes; whoever comes at the same time waits for it. */
async function recordFirst(opened: Opened, ask: Ask, key: string, token: OwnToken): Promise<void> {
  const place = `${key} ${ask.route}`
  let first = opened.first.get(place)
  if (first === undefined) {
    const { route, target } = ask
    const action = redactedPath(ask.action)
    const event = { type: 'route.admitted', route, target, action, lease: token.leaseId } as const
    first = { written: opened.record(event), until: token.expiresAt }
    opened.first.set(place, first)
  }
  try {
    await first.written
  } catch (cause) {
    if (opened.first.get(place) === first) opened.first.delete(place)
    throw new Failure('provider_unavailable', { reason: 'the admission could not be recorded', cause })
  }
  const routes = opened.passed.get(token)
  if (routes === undefined) opened.passed.set(token, new Set([ask.route]))
  else routes.add(ask.route)
}
