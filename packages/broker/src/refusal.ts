/** What happens when the exchange says no: the reason goes to the log first, then the caller hears of it. */
import { asFailure, Failure, type FailureCode } from './base/failure.ts'
import { withoutTokens } from './base/scrub.ts'
import type { Secret } from './base/secret.ts'
import type { Acting, Asked, AuditEvent, Principal } from './domain.ts'
import { Conflict, type ConflictKind } from './store/store.ts'

/** A request, as far as the record needs it. */
interface Request {
  readonly subjectToken: Secret
  readonly via: string
  readonly target?: string
  readonly resource?: string
  readonly scopes?: readonly string[]
  readonly seconds?: number
}

/** Refusing costs the asker nothing: beyond this scopes are no mistake of a person. */
const limits = { scopes: 16, scope: 100 } as const

interface Recorder {
  /** Resolves with an id for the caller once the refusal is in the log, or counted there. */
  readonly refuse: (event: AuditEvent) => Promise<string>
}

const conflicts = {
  spent: { code: 'subject_token_invalid', reason: 'this token was spent before' },
  job_ended: { code: 'subject_token_invalid', reason: 'the job of this token has ended' },
  job_limit: { code: 'target_refused', reason: 'this job has had all the credentials that one job may have' },
  switched_off: { code: 'target_refused', reason: 'what was asked for, or who asked, is switched off' },
  // Its job ended, or somebody ended it: nothing went wrong, and with this token nothing can be had any more.
  lease_state: {
    code: 'subject_token_invalid',
    reason: 'the lease ended while its credential was being made',
  },
  key_exists: { code: 'internal', reason: 'a key conflict outside of the key room' },
  calls_spent: { code: 'budget_spent', reason: 'its calls are spent' },
  writes_spent: { code: 'budget_spent', reason: 'its writes are spent' },
  rows_spent: { code: 'budget_spent', reason: 'its rows are spent' },
  bytes_spent: { code: 'budget_spent', reason: 'its bytes are spent' },
  minutes_spent: { code: 'budget_spent', reason: 'its minutes are over' },
} as const satisfies Record<ConflictKind, { code: FailureCode; reason: string }>

/** Every refusal is in the log before the caller hears of it; its id goes along, its reason does not. */
export async function refused(
  parts: Recorder,
  request: Request,
  {
    principal,
    acting,
    policy,
  }: { readonly principal?: Principal; readonly acting?: Principal; readonly policy?: string },
  thrown: unknown,
): Promise<Failure> {
  const failure =
    thrown instanceof Conflict
      ? new Failure(conflicts[thrown.kind].code, { reason: conflicts[thrown.kind].reason, cause: thrown })
      : asFailure(thrown)
  const wanted = asked(request, principal)
  const entry = await parts.refuse({
    type: 'credential.refused',
    code: failure.code,
    reason: failure.reason,
    via: request.via,
    ...(wanted === undefined ? {} : { target: wanted }),
    ...(principal === undefined
      ? { token: request.subjectToken.fingerprint() }
      : {
          issuer: principal.issuer,
          subject: principal.subject,
          claims: principal.claims,
          ...(acting === undefined ? {} : { act: recordedActor(acting) }),
          ...askedFor(request),
          ...(policy === undefined ? {} : { policy }),
          ...(failure.decision === undefined ? {} : { decision: failure.decision }),
          ...(principal.job === undefined ? {} : { job: principal.job }),
        }),
  })
  return failure.recorded(entry)
}

/** What an entry says of whoever acts. */
export function recordedActor({ issuer, subject, claims }: Principal): Acting {
  return { issuer, subject, claims }
}

/** Scopes and lifetime as they were asked for, for the record. */
export function askedFor({ scopes, seconds }: Pick<Request, 'scopes' | 'seconds'>): { asked?: Asked } {
  if (scopes === undefined && seconds === undefined) return {}
  return {
    asked: {
      ...(scopes === undefined ? {} : { scopes: keptScopes(scopes) }),
      ...(seconds === undefined ? {} : { seconds }),
    },
  }
}

function keptScopes(scopes: readonly string[]): readonly string[] {
  const kept = scopes.slice(0, limits.scopes).map((given) => {
    // Before it is cut: half a token would not look like one any more.
    const scope = withoutTokens(given)
    return scope.length > limits.scope ? `${scope.slice(0, limits.scope)}[cut]` : scope
  })
  return scopes.length > kept.length ? [...kept, `[cut: ${scopes.length} items]`] : kept
}

/** What was asked for. Of somebody whose token did not verify only a little is kept: anybody can write it. */
function asked(request: Request, principal: Principal | undefined): string | undefined {
  const wanted = request.target ?? request.resource
  if (wanted === undefined || principal !== undefined) return wanted
  return wanted.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?')
}
