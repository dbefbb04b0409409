/**
 * action: what runs inside of Auth0, as an Action for Custom Token Exchange, bundled into `assets/auth0-action.js`. It
 * verifies the job's token against GitHub's keys, decides with the evaluator that the broker has, and sets the user. It
 * sees Auth0's documented `event` and `api` and nothing else of Auth0; `mayfly export auth0-action` puts the policy
 * before it.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { type CompiledPolicy, policyOf } from '@mayfly/policy/compiled'
import { decide } from '@mayfly/policy/decide'
import { explain } from '@mayfly/policy/explain'
import type { Policy } from '@mayfly/policy/policy'
import { github } from '@mayfly/policy/schema/github'

/** What the export writes before this code. */
export interface ActionSettings {
  /** The only audience that a job's token may have. */
  readonly audience: string
  /** Exact `iss` of each issuer of the policy. */
  readonly issuers: Readonly<Record<string, string>>
  /** Auth0's connection whose users stand for workloads. */
  readonly connection: string
}

interface CacheRecord {
  readonly value: string
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
  readonly cache: {
    get(key: string): CacheRecord | undefined
    set(key: string, value: string, options: { readonly ttl: number }): unknown
  }
}

/** Auth0's `event`, as far as it is used. */
export interface ActionEvent {
  readonly resource_server?: { readonly identifier?: string }
  readonly transaction: {
    readonly subject_token: string
    readonly requested_scopes?: readonly string[]
  }
}

type Claims = Readonly<Record<string, unknown>>

interface Jwk {
  readonly kid: string
  readonly kty: string
  readonly n: string
  readonly e: string
}

/** Why a token is none of ours. */
class Invalid extends Error {}

const leeway = 60
/** As the broker has it: a token of GitHub is asked for when it is needed, and used at once. */
const oldest = 600
const longestLife = 6 * 3600
const keysTtlMs = 600_000
const retryMs = 60_000
const fetchMs = 5_000
const largest = { token: 16_384, keys: 262_144 } as const
/** What a session would need; a job has none, and a refresh token would outlive it. */
const refusedScopes = ['offline_access']
const openidScopes = ['openid', 'profile', 'email']

/** Builds the handler. Throws where the policy cannot be read. */
export function openAction(compiled: CompiledPolicy, settings: ActionSettings) {
  const policy = policyOf(compiled, new Map([['github', github]]))
  return async (event: ActionEvent, api: ActionApi): Promise<void> => {
    let found: { readonly issuer: string; readonly claims: Claims }
    try {
      found = await verified(event.transaction.subject_token, settings, api)
    } catch (thrown) {
      if (!(thrown instanceof Invalid)) throw thrown
      api.access.rejectInvalidSubjectToken(thrown.message)
      return
    }
    settle(policy, settings, event, api, found)
  }
}

function settle(
  policy: Policy,
  settings: ActionSettings,
  event: ActionEvent,
  api: ActionApi,
  { issuer, claims }: { readonly issuer: string; readonly claims: Claims },
): void {
  const audience = event.resource_server?.identifier ?? ''
  const requested = event.transaction.requested_scopes ?? []
  if (requested.some((scope) => refusedScopes.includes(scope)))
    return void api.access.deny('invalid_scope', 'A job gets no refresh token: leave offline_access out.')
  const scopes = requested.filter((scope) => !openidScopes.includes(scope))
  const target = policy.audiences.get(audience)?.name ?? audience
  const request = { issuer, claims, target, ...(scopes.length === 0 ? {} : { scopes }) }
  const decision = decide(policy, request)
  if (!decision.allowed) {
    const code = decision.code === 'scope' ? 'invalid_scope' : 'invalid_target'
    return void api.access.deny(
      code,
      decision.code === 'guardrail' ? 'The policy does not allow it.' : reasonOf(policy, request),
    )
  }
  const job = [claims['run_id'], claims['run_attempt'], claims['check_run_id']].filter(
    (part) => typeof part === 'string',
  )
  api.authentication.setUserByConnection(
    settings.connection,
    { user_id: workloadOf(issuer, claims), name: String(claims['repository']) },
    { creationBehavior: 'create_if_not_exists', updateBehavior: 'none' },
  )
  api.authentication.setActor({ sub: `${issuer}:job:${job.join('/')}` })
}

/** For whoever asked: only what concerns its own repository. */
function reasonOf(policy: Policy, request: Parameters<typeof explain>[1]): string {
  const { summary, grants } = explain(policy, request, 'caller')
  const hints = grants.flatMap(({ failing }) =>
    failing.flatMap(({ hint }) => (hint === undefined ? [] : [hint])),
  )
  return [summary, ...new Set(hints)].join('. ').slice(0, 500)
}

/** The repository and its environment: by ids, which nobody else can get. */
function workloadOf(issuer: string, claims: Claims): string {
  const { environment } = claims
  const of =
    typeof environment === 'string'
      ? `:${createHash('sha256').update(environment.toLowerCase()).digest('hex').slice(0, 16)}`
      : ''
  return `${issuer}:${String(claims['repository_owner_id'])}:${String(claims['repository_id'])}${of}`
}

async function verified(token: string, settings: ActionSettings, api: ActionApi) {
  const { head, claims, signed, signature } = parsed(token)
  const issuer = Object.entries(settings.issuers).find(([, iss]) => iss === claims['iss'])
  if (issuer === undefined) throw new Invalid('its issuer is not one of ours')
  if (claims['aud'] !== settings.audience)
    throw new Invalid(`its audience must be exactly ${settings.audience}`)
  const { exp, iat, nbf = iat, jti } = claims
  const now = Date.now() / 1000
  if (!isTime(exp) || !isTime(iat) || !isTime(nbf) || typeof jti !== 'string' || jti === '')
    throw new Invalid('a claim is missing')
  if (exp <= now - leeway || iat > now + leeway || nbf > now + leeway)
    throw new Invalid('it has ended, or has not begun')
  if (now - iat > oldest + leeway || exp - iat > longestLife)
    throw new Invalid('it is too old, or lives too long')
  const jwk = await keyOf(issuer[1], head.kid, api)
  const key = jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
  if (key === undefined || !verify('sha256', Buffer.from(signed), key, Buffer.from(signature, 'base64url')))
    throw new Invalid('its signature is wrong')
  spend(`${issuer[1]} ${jti}`, exp - now + 2 * leeway, api)
  return { issuer: issuer[0], claims }
}

function parsed(token: string) {
  const [head = '', payload = '', signature = '', ...more] =
    token.length > largest.token ? [] : token.split('.')
  if (more.length > 0 || ![head, payload, signature].every((part) => /^[A-Za-z0-9_-]+$/.test(part)))
    throw new Invalid('it is no JSON Web Token')
  const { alg, kid, crit } = objectOf(head)
  // The key decides: GitHub signs with RS256 alone, and no other word of a header is believed (RFC 8725 3.1).
  if (alg !== 'RS256' || typeof kid !== 'string' || crit !== undefined)
    throw new Invalid('its algorithm is not RS256')
  return { head: { kid }, claims: objectOf(payload), signed: `${head}.${payload}`, signature }
}

function objectOf(part: string): Claims {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')),
    )
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims
  } catch {
    // Said below.
  }
  throw new Invalid('it is no JSON Web Token')
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** Best effort: Auth0's cache may forget, and two requests at once may both find it empty. */
function spend(name: string, seconds: number, api: ActionApi): void {
  const key = `spent:${createHash('sha256').update(name).digest('base64url')}`
  if (api.cache.get(key) !== undefined) throw new Invalid('it was used before')
  api.cache.set(key, '1', { ttl: Math.ceil(seconds * 1000) })
}

/** Keys are kept; one that is not there is looked for again, but not by every stranger's token. */
async function keyOf(issuer: string, kid: string, api: ActionApi): Promise<Jwk | undefined> {
  const name = `keys:${issuer}`
  const kept = api.cache.get(name)?.value
  const found = kept === undefined ? undefined : pick(kept, kid)
  if (found !== undefined) return found
  const asked = `asked:${issuer}`
  if (kept !== undefined && api.cache.get(asked) !== undefined) return undefined
  api.cache.set(asked, '1', { ttl: retryMs })
  const fresh = await fetchKeys(issuer)
  api.cache.set(name, fresh, { ttl: keysTtlMs })
  return pick(fresh, kid)
}

async function fetchKeys(issuer: string): Promise<string> {
  const answer = await fetch(`${issuer}/.well-known/jwks`, {
    redirect: 'error',
    signal: AbortSignal.timeout(fetchMs),
  })
  const text = await answer.text()
  if (answer.status !== 200 || text.length > largest.keys)
    throw new Error('the keys of the issuer cannot be had')
  return text
}

function pick(text: string, kid: string): Jwk | undefined {
  const { keys } = JSON.parse(text) as { keys?: unknown }
  const all: readonly unknown[] = Array.isArray(keys) ? keys : []
  const fits = all.filter((key): key is Jwk => isFit(key, kid))
  return fits.length === 1 ? fits[0] : undefined
}

function isFit(key: unknown, kid: string): boolean {
  if (typeof key !== 'object' || key === null) return false
  const { kid: own, kty, use, alg } = key as Claims
  return (
    own === kid &&
    kty === 'RSA' &&
    (use === undefined || use === 'sig') &&
    (alg === undefined || alg === 'RS256')
  )
}
