/**
 * sign-in: people come in by an OpenID Provider (OpenID Connect Core 1.0 3.1, RFC 7636, RFC 9207, RFC 9700 2.1). What the
 * provider gives us goes through the same exchange as a job's token, so that a person has a lease like any job: by the same
 * policy, in the same log, ended in the same ways. The route calls it; nothing else gives it anything.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Failure } from './base/failure.ts'
import { Secret } from './base/secret.ts'
import type { Tools } from './base/tools.ts'
import type { Job, Lease, Principal } from './domain.ts'
import type { Exchange } from './exchange.ts'
import type { Seal } from './issue/seal.ts'
import type { Provider } from './provider.ts'
import type { Begun, SignedIn, SignIn } from './route/sign-in.ts'
import type { Change } from './store/store.ts'

/** How long somebody may take at the provider. */
const patience = 600
/** Sign-ins in one session of the provider, which may last for weeks: more of them are no person's. */
const mostSignIns = 10_000
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

export interface SignInParts {
  /** The route's, for what only it may open. */
  readonly route: string
  readonly target: string
  /** The configured name of the provider's issuer. */
  readonly issuer: string
  /** By which browsers know the route. */
  readonly origin: string
  readonly clientId: string
  /** Our own URL. */
  readonly broker: string
  readonly provider: Provider
  readonly exchange: Exchange
  /** Throws `subject_token_invalid`. */
  readonly verify: (token: string, audience: string, type: string) => Promise<Principal>
  readonly spend: (principal: Principal) => Change
  readonly commit: (changes: readonly Change[]) => Promise<void>
  readonly seal: Seal
  readonly active: (token: string) => Promise<{ readonly lease: Lease } | undefined>
  /** The claims by which a lease was given; `undefined` where the log does not say. */
  readonly claimsOf: (lease: Lease) => Promise<Readonly<Record<string, unknown>> | undefined>
  /** Values of `acr` with which the policy would give somebody of these claims one of the scopes, or anything. */
  readonly strongerFor: (
    claims: Readonly<Record<string, unknown>>,
    scopes?: readonly string[],
  ) => readonly string[]
  readonly endLease: (lease: Lease) => Promise<unknown>
  readonly endJob: (job: Job, via: string) => Promise<unknown>
  readonly tools: Pick<Tools, 'now' | 'randomBytes'>
}

/** What a browser keeps while it is at the provider. */
interface Kept {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly returnTo: string
  readonly until: number
  /** It is a stronger sign-in than the one before. */
  readonly stepped: boolean
}

/** Opens nothing yet: the provider is asked where things are when the first person comes. */
export function openSignIn(parts: SignInParts): SignIn {
  const { origin, broker } = parts
  const callback = `${origin}/.mayfly/callback`
  return {
    origin,
    broker,
    begin: (returnTo, acr) => begin(parts, callback, returnTo, acr),
    finish: (answer, kept) => finish(parts, callback, answer, kept),
    async end(token) {
      const found = await parts.active(token.reveal())
      if (found !== undefined) await parts.endLease(found.lease)
      // Signed out here they are, whether or not the provider can be asked.
      return await parts.provider.endSession(parts.clientId, `${origin}/`).catch(() => undefined)
    },
    logout: (token) => logout(parts, token),
    async stronger(token, scopes) {
      const found = await parts.active(token.reveal())
      const claims = found && (await parts.claimsOf(found.lease))
      return claims === undefined ? [] : parts.strongerFor(claims, scopes)
    },
  }
}

async function begin(
  parts: SignInParts,
  callback: string,
  returnTo: string,
  acr?: readonly string[],
): Promise<Begun> {
  const drawn = () => Buffer.from(parts.tools.randomBytes(32)).toString('base64url')
  const kept: Kept = {
    ...{ state: drawn(), nonce: drawn(), verifier: drawn(), returnTo },
    until: seconds(parts) + patience,
    stepped: acr !== undefined,
  }
  const location = await parts.provider.authorization({
    client_id: parts.clientId,
    redirect_uri: callback,
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: createHash('sha256').update(kept.verifier).digest('base64url'),
    ...(acr === undefined ? {} : { acr_values: acr.join(' ') }),
  })
  const bytes = parts.seal.seal('sign-in', parts.route, Buffer.from(JSON.stringify(kept)))
  return { location, kept: Buffer.from(bytes).toString('base64url'), tag: tagOf(kept.state) }
}

async function finish(
  parts: SignInParts,
  callback: string,
  answer: URLSearchParams,
  text: string,
): Promise<SignedIn | Begun> {
  const kept = opened(parts, text)
  const said = oneOfEach(answer)
  if (said['state'] === undefined || !isSame(said['state'], kept.state))
    throw unfit('This sign-in was not begun in this browser. Begin again.', 'another state')
  // RFC 9207 2.4: an answer of another provider must not be redeemed at ours.
  if (!(await parts.provider.isFrom(said['iss'])))
    throw unfit('This answer is not from the provider.', 'another iss')
  if (said['code'] === undefined)
    throw unfit('The provider did not sign you in.', `the provider says ${errorOf(said)}`)
  const idToken = await parts.provider.redeem({
    code: said['code'],
    redirect_uri: callback,
    client_id: parts.clientId,
    code_verifier: kept.verifier,
  })
  checkNonce(idToken, kept.nonce)
  try {
    const answered = await parts.exchange({
      subjectToken: new Secret(idToken),
      via: 'sign-in',
      target: parts.target,
      audience: parts.clientId,
      issuer: parts.issuer,
      jobLimit: mostSignIns,
    })
    const { token } = answered.credential
    const { returnTo, stepped } = kept
    return { token, seconds: answered.expiresAt - seconds(parts), returnTo, stepped }
  } catch (thrown) {
    // The policy has said no to somebody whom it knows: maybe not to the same person with a stronger sign-in.
    const isDecided = thrown instanceof Failure && thrown.decision === 'no_grant'
    const acr = isDecided && !kept.stepped ? parts.strongerFor(claimsIn(idToken)) : []
    if (acr.length === 0) throw thrown
    return await begin(parts, callback, kept.returnTo, acr)
  }
}

/** Of a sign-in under way: part of what the browser brings back in the open. */
export function tagOf(state: string): string {
  return state.slice(0, 8)
}

/** Read before the exchange verifies it: a token with another nonce is not even tried. */
function checkNonce(idToken: string, nonce: string): void {
  const found = claimsIn(idToken)['nonce']
  if (typeof found !== 'string' || !isSame(found, nonce))
    throw new Failure('subject_token_invalid', { reason: 'the ID token has another nonce' })
}

function claimsIn(idToken: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null ? { ...claims } : {}
  } catch {
    return {}
  }
}

/** OpenID Connect Back-Channel Logout 1.0 2.6. */
async function logout(parts: SignInParts, token: string): Promise<void> {
  const principal = await parts.verify(token, parts.clientId, 'logout+jwt')
  const { claims } = principal
  const { events, nonce, sid } = claims
  const invalid = (reason: string) => new Failure('subject_token_invalid', { reason })
  if (typeof events !== 'object' || events === null || !Object.hasOwn(events, logoutEvent))
    throw invalid('no logout token')
  if (nonce !== undefined) throw invalid('a logout token with a nonce')
  if (typeof sid !== 'string' || sid === '')
    throw invalid('a logout token without `sid`: ask the provider for it')
  if (principal.issuer !== parts.issuer) throw invalid('a logout token of another issuer')
  // Ended first: a token that is spent and ended nothing could not be sent again.
  await parts.endJob({ issuer: principal.issuer, id: sid }, 'backchannel-logout')
  await parts.commit([parts.spend(principal)])
}

/** RFC 6749 4.1.2.1; anybody may write there what he likes. */
function errorOf({ error }: Readonly<Record<string, string>>): string {
  if (error === undefined) return 'nothing'
  return /^[a-z_]{1,60}$/.test(error) ? error : 'what is no error'
}

function opened(parts: SignInParts, text: string): Kept {
  const begunElsewhere = unfit('This sign-in was not begun in this browser. Begin again.', 'no kept sign-in')
  let kept: Kept
  try {
    const bytes = parts.seal.open('sign-in', parts.route, Buffer.from(text, 'base64url'))
    kept = JSON.parse(new TextDecoder().decode(bytes)) as Kept
  } catch {
    throw begunElsewhere
  }
  if (kept.until <= seconds(parts)) throw unfit('This sign-in took too long. Begin again.', 'it is over')
  return kept
}

/** RFC 6749 3.1: parameters stand there once. */
function oneOfEach(answer: URLSearchParams): Readonly<Record<string, string>> {
  const found: Record<string, string> = Object.create(null)
  for (const [name, value] of answer) {
    if (name in found) throw unfit('This answer is not from the provider.', 'a parameter twice')
    found[name] = value
  }
  return found
}

function unfit(detail: string, reason: string): Failure {
  return new Failure('request_malformed', { detail, reason: `sign-in: ${reason}` })
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

function seconds({ tools }: SignInParts): number {
  return Math.floor(tools.now() / 1000)
}
