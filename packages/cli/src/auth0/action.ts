/**
 * action: what runs inside of Auth0, as an Action for Custom Token Exchange, bundled into `assets/auth0-action.js`. It
 * verifies the job's token as the broker does, against GitHub's keys, decides with the broker's evaluator, and sets the
 * user. It sees Auth0's documented `event` and `api` and nothing else of Auth0; `mayfly export auth0-action` puts the
 * policy before it. `token.ts` verifies, `cache.ts` remembers.
 */
import { createHash } from 'node:crypto'
import { type CompiledPolicy, policyOf } from '@mayfly/policy/compiled'
import { decide } from '@mayfly/policy/decide'
import { explain } from '@mayfly/policy/explain'
import type { Policy } from '@mayfly/policy/policy'
import { github } from '@mayfly/policy/schema/github'
import { type ActionCache, spend } from './cache.ts'
import { Invalid, type TokenSettings, type VerifiedToken, verifiedToken } from './token.ts'

/** What the export writes before this code. */
export interface ActionSettings extends TokenSettings {
  /** Auth0's connection whose users stand for workloads. */
  readonly connection: string
}

/** Auth0's `api`, as far as it is used. */
export interface ActionApi {
  readonly access: {
    deny(code: string, reason: string): void
    rejectInvalidSubjectToken(reason: string): void
  }
  readonly authentication: {
    setUserByConnection(connection: string, user: Readonly<Record<string, unknown>>, options: object): void
    setActor(actor: { readonly sub: string }): void
  }
  readonly cache: ActionCache
}

/** Auth0's `event`, as far as it is used. */
export interface ActionEvent {
  readonly resource_server?: { readonly identifier?: string }
  readonly transaction: {
    readonly subject_token: string
    readonly requested_scopes?: readonly string[]
  }
}

/** Why the policy says no, in Auth0's words: the code of the error, and what the caller reads. */
interface Refusal {
  readonly code: string
  readonly reason: string
}

/** What a session would need; a job has none, and a refresh token would outlive it. */
const refusedScopes = ['offline_access']
/** Of OpenID Connect, where the API has none of the same name. They give nothing of an API. */
const openidScopes = ['openid', 'profile', 'email']
const longestReason = 500

/** Builds the handler. Throws where the policy cannot be read. */
export function openAction(compiled: CompiledPolicy, settings: ActionSettings) {
  const policy = policyOf(compiled, new Map([['github', github]]))
  return async (event: ActionEvent, api: ActionApi): Promise<void> => {
    const now = () => Date.now()
    let token: VerifiedToken
    try {
      token = await verifiedToken(event.transaction.subject_token, settings, { cache: api.cache, fetch, now })
    } catch (thrown) {
      // Anything else is Auth0's to answer, with an error: nothing is given.
      if (!(thrown instanceof Invalid)) throw thrown
      api.access.rejectInvalidSubjectToken(thrown.message)
      return
    }
    const refusal = refusalOf(policy, event, token)
    if (refusal !== undefined) {
      api.access.deny(refusal.code, refusal.reason)
      return
    }
    spend(token.spends.name, token.spends.until, now() / 1000, api.cache)
    setUser(settings.connection, token, api)
  }
}

/** `undefined`: Auth0 may give exactly the scopes that are asked for. */
function refusalOf(
  policy: Policy,
  event: ActionEvent,
  { issuer, claims }: VerifiedToken,
): Refusal | undefined {
  const asked = event.transaction.requested_scopes ?? []
  if (asked.some((scope) => refusedScopes.includes(scope)))
    return { code: 'invalid_scope', reason: 'A job gets no refresh token: leave offline_access out.' }
  // An API that the policy does not have is not the target that happens to have its name.
  const target = policy.audiences.get(event.resource_server?.identifier ?? '')
  const scopes = asked.filter((scope) => target?.scopes.has(scope) || !openidScopes.includes(scope))
  const request = { issuer, claims, target: target?.name ?? '', ...(scopes.length === 0 ? {} : { scopes }) }
  const decision = decide(policy, request)
  if (!decision.allowed) {
    const reason = decision.code === 'guardrail' ? 'The policy does not allow it.' : reasonOf(policy, request)
    return { code: decision.code === 'scope' ? 'invalid_scope' : 'invalid_target', reason }
  }
  // Auth0 does not say what it gives to whom names no scope, and an Action cannot take a scope away.
  if (scopes.length > 0 || target?.scopes.size === decision.scopes.length) return undefined
  const may = decision.scopes.length === 0 ? 'there is none for this job' : decision.scopes.join(' ')
  return { code: 'invalid_scope', reason: `Say which scopes, all or some of these: ${may}` }
}

/** For whoever asked: only what concerns its own repository. */
function reasonOf(policy: Policy, request: Parameters<typeof explain>[1]): string {
  const { summary, grants } = explain(policy, request, 'caller')
  const hints = grants.flatMap(({ failing }) =>
    failing.flatMap(({ hint }) => (hint === undefined ? [] : [hint])),
  )
  return [summary, ...new Set(hints)].join('. ').slice(0, longestReason)
}

/** The workload is the user, the job its actor: then Auth0 gives no refresh token either. */
function setUser(connection: string, { issuer, claims }: VerifiedToken, api: ActionApi): void {
  const job = [claims['run_id'], claims['run_attempt'], claims['check_run_id']].filter(
    (part) => typeof part === 'string',
  )
  api.authentication.setUserByConnection(
    connection,
    { user_id: workloadOf(issuer, claims), name: String(claims['repository']) },
    { creationBehavior: 'create_if_not_exists', updateBehavior: 'none' },
  )
  api.authentication.setActor({ sub: `${issuer}:job:${job.join('/')}` })
}

/** The repository and its environment: by ids, which nobody else can get. */
function workloadOf(issuer: string, claims: VerifiedToken['claims']): string {
  const { environment } = claims
  const of =
    typeof environment === 'string'
      ? `:${createHash('sha256').update(environment.toLowerCase()).digest('hex').slice(0, 16)}`
      : ''
  return `${issuer}:${String(claims['repository_owner_id'])}:${String(claims['repository_id'])}${of}`
}
