/** GitHub's token service itself: who may ask, what it signs, and what it publishes. */
import { randomInt, randomUUID, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { claimsOfJob, type JobClaims, present } from './claims.ts'
import { answer, type Door, type Faults } from './faults.ts'
import type { SigningKey } from './signing-key.ts'

/** One job, as far as its runner can know it. */
export interface Job {
  /** `ACTIONS_ID_TOKEN_REQUEST_URL`. */
  readonly requestUrl: string
  /** `ACTIONS_ID_TOKEN_REQUEST_TOKEN`: a JWT of the same issuer and key, and no proof of identity. */
  readonly requestToken: string
  /** Everything but `iss`, `aud`, `jti` and the times. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The variables that a runner gives to a step with `id-token: write`. */
  readonly env: Readonly<Record<string, string>>
}

export interface SigningOptions {
  /** Members of the header that differ; `undefined` leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>
}

/** A request that reached the token service. */
export interface Seen {
  readonly door: Door
  readonly method: string
  readonly url: string
  readonly status: number
}

/** GitHub's ID tokens live for 300 s, with `nbf` 300 s before. */
const idTokenSeconds = 300
/** The request token outlives the longest job. */
const requestTokenSeconds = 22_200

/** What the doors and the jobs share. */
export interface State {
  readonly issuer: { url: string; path: string; origin: string }
  readonly keys: SigningKey[]
  readonly jobs: Map<string, Job>
  readonly seen: Seen[]
  readonly faults: Faults
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Answers whatever reaches the token service: discovery, JWKS, and ID tokens for those who may. */
export function answerDoor(state: State, request: IncomingMessage, response: ServerResponse): void {
  const { origin, path, url: issuer } = state.issuer
  const url = new URL(request.url ?? '/', origin)
  const door = request.method === 'GET' ? doorOf(url, path) : undefined
  if (door === undefined) {
    response.writeHead(404).end()
    return
  }
  response.on('close', () =>
    state.seen.push({
      door,
      method: 'GET',
      url: url.href,
      status: response.headersSent ? response.statusCode : 0,
    }),
  )
  if (door === 'idToken') {
    answerIdToken(state, url, request, response)
    return
  }
  const truth = door === 'jwks' ? { keys: state.keys.map((key) => key.publicJwk) } : discoveryOf(issuer)
  answer(response, JSON.stringify(truth), state.faults[door])
}

function answerIdToken(state: State, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const job = authorizedJob(state.jobs.get(url.pathname), request)
  if (job === undefined) {
    response.writeHead(401, { 'content-type': 'application/json; charset=utf-8' })
    response.end('{"message":"The request token is not the one of this job."}')
    return
  }
  const aud = url.searchParams.get('audience') ?? `https://github.com/${job.claims['repository_owner']}`
  answer(response, JSON.stringify({ value: idToken(state, { ...job.claims, aud }) }), state.faults.idToken)
}

/** A new job with ids of its own, and the door through which it gets ID tokens. */
export function startJob(state: State, given: JobClaims): Job {
  const { origin, url: issuer } = state.issuer
  const claims = claimsOfJob(newIds(), given)
  const plan = randomUUID()
  const door = `/idtoken/${plan}/${randomUUID()}`
  const payload = requestTokenPayload(issuer, plan, seconds(state), claims)
  const requestToken = newestKey(state).sign(payload)
  const requestUrl = `${origin}${door}?api-version=2.0`
  const env = { ACTIONS_ID_TOKEN_REQUEST_URL: requestUrl, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken }
  const job = { requestUrl, requestToken, claims, env }
  state.jobs.set(door, job)
  return job
}

/** Signs an ID token with the newest key; `claims` come last and replace anything. */
export function idToken(state: State, claims: JobClaims, signing: SigningOptions = {}): string {
  const iat = seconds(state)
  const times = { nbf: iat - idTokenSeconds, iat, exp: iat + idTokenSeconds }
  const owner = claims['repository_owner'] ?? 'acme'
  const own = { iss: state.issuer.url, aud: `https://github.com/${owner}`, jti: randomUUID(), ...times }
  return newestKey(state).sign(
    present({ ...own, ...claimsOfJob(newIds(), claims), ...claims }),
    signing.header,
  )
}

/** The key that signs now. */
export function newestKey(state: State): SigningKey {
  const [key] = state.keys
  if (key === undefined) throw new Error('there is always a key')
  return key
}

function seconds(state: State): number {
  return Math.floor(state.now() / 1000)
}

function newIds() {
  return { runId: String(randomInt(10 ** 10, 10 ** 11)), checkRunId: String(randomInt(10 ** 10, 10 ** 11)) }
}

function doorOf(url: URL, path: string): Door | undefined {
  if (url.pathname === `${path}/.well-known/openid-configuration`) return 'discovery'
  if (url.pathname === `${path}/.well-known/jwks`) return 'jwks'
  return url.pathname.startsWith('/idtoken/') ? 'idToken' : undefined
}

function discoveryOf(issuer: string) {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['id_token'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'ref', 'repository', 'repository_id'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
  }
}

/** The job behind this URL, when the request brings its very token. */
function authorizedJob(job: Job | undefined, request: IncomingMessage): Job | undefined {
  const given = Buffer.from(request.headers.authorization ?? '')
  const right = Buffer.from(`Bearer ${job?.requestToken ?? ''}`)
  return job !== undefined && given.length === right.length && timingSafeEqual(given, right) ? job : undefined
}

/** Same issuer, same key, valid signature; no `sub`, no `jti`, and an audience that is nobody of ours. */
function requestTokenPayload(
  issuer: string,
  plan: string,
  iat: number,
  claims: Readonly<Record<string, unknown>>,
) {
  const { sub, ...extra } = claims
  return {
    iss: issuer,
    aud: `vso:${randomUUID()}`,
    nbf: iat - idTokenSeconds,
    iat,
    exp: iat + requestTokenSeconds,
    IdentityTypeClaim: 'System:ServiceIdentity',
    nameid: 'dddddddd-dddd-dddd-dddd-dddddddddddd',
    oidc_extra: JSON.stringify(extra),
    oidc_sub: sub,
    orch_id: `${plan}.deploy.__default`,
    plan_id: plan,
    run_id: claims['run_id'],
    runner_type: 'hosted',
    scp: `Actions.Runner:${plan} generate_id_token:${plan}`,
  }
}
