/**
 * The `gcp_service_account` target: an access token of a service account of Google Cloud. Our token is exchanged at
 * Google's STS, and what comes back impersonates the account. Google recalls no such token: it lives as long as the lease.
 */
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import { ask, bearerToken, member, noAnswer, orClock, refusal, textLike } from '../../ask.ts'
import { chosen } from '../../chosen.ts'
import type { SignFederation } from '../../federation.ts'
import type { Issued, Target } from '../../target.ts'
import { workloadClaims } from '../token/workload-claims.ts'
import { gcpSettings } from './settings.ts'

/** One connection `gcp.NAME`. */
export interface GcpConnection {
  readonly audience: string
  readonly sts: string
  readonly iamcredentials: string
}

export interface GcpTargetParts {
  readonly connections: Readonly<Record<string, GcpConnection>>
  readonly sign: SignFederation
  readonly tools: Pick<Tools, 'now'>
  /** Milliseconds that each of the two questions may take; five seconds when absent. */
  readonly answerMs?: number
}

const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform'
/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const jwt = 'urn:ietf:params:oauth:token-type:jwt'
/** Google gives no longer life unless the organization's policy says so. */
const longest = 3600
/** Google's clock and ours may differ by so many seconds. */
const skew = 300

const handleShape = z.object({ until: z.number() })

export function openGcpTarget(parts: GcpTargetParts): Target {
  const closing = new AbortController()
  const { tools } = parts
  const now = () => Math.floor(tools.now() / 1000)
  const limits = { milliseconds: parts.answerMs ?? 5_000, signal: closing.signal, now }
  return {
    kind: 'gcp_service_account',
    local: false,
    connection: (grant) => `gcp ${connectionOf(parts, grant).name}`,
    prepare(grant) {
      connectionOf(parts, grant)
      return null
    },
    async issue(grant): Promise<Issued> {
      const { connection } = connectionOf(parts, grant)
      const { service_account: account, oauth_scopes: scopes = [cloudPlatform] } = settingsOf(grant)
      const subjectToken = await parts.sign(grant, {
        ...workloadClaims(grant),
        // With or without the scheme Google takes it; with it, it is what Google's own action sends.
        aud: `https:${connection.audience}`,
        service_account: account,
      })
      const federated = await exchange(connection, subjectToken, limits)
      const seconds = Math.min(longest, grant.expiresAt - now())
      if (seconds < 1)
        throw new Failure('provider_unavailable', { reason: 'Google answered after the lease' })
      const made = await impersonate(connection, federated, { account, scopes, seconds }, limits)
      if (made.until > now() + seconds + skew) {
        throw new Failure('provider_unavailable', { reason: 'Google gives a token that lives too long' })
      }
      const expiresAt = Math.min(grant.expiresAt, made.until)
      return {
        token: made.token,
        issuedTokenType: accessToken,
        tokenType: 'N_A',
        parts: { access_token: made.token, expiration: timeOf(expiresAt) },
        expiresAt,
        handle: () => ({ until: made.until }),
      }
    },
    outlives(handle) {
      const parsed = handleShape.safeParse(handle)
      if (!parsed.success || parsed.data.until <= now()) return undefined
      return `Google recalls no access token of a service account: this one works until ${timeOf(parsed.data.until)}`
    },
    close: async () => closing.abort(),
  }
}

function settingsOf(grant: Grant) {
  const parsed = gcpSettings.safeParse(grant.settings)
  if (parsed.success) return { connection: undefined, oauth_scopes: undefined, ...parsed.data }
  throw new Failure('target_refused', {
    reason: `the settings of ${grant.target} are not those of a gcp_service_account`,
  })
}

function connectionOf({ connections }: GcpTargetParts, grant: Grant) {
  return chosen('gcp', connections, settingsOf(grant).connection)
}

interface Limits {
  readonly milliseconds: number
  readonly signal: AbortSignal
  /** Seconds since 1970. */
  readonly now: () => number
}

/** RFC 8693 2.1, as Google documents it. */
async function exchange(connection: GcpConnection, subjectToken: string, limits: Limits): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: connection.audience,
    scope: cloudPlatform,
    requested_token_type: accessToken,
    subject_token: subjectToken,
    subject_token_type: jwt,
  })
  const reply = await ask({
    ...limits,
    who: 'Google STS',
    url: `${connection.sts}/v1/token`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
  if (reply.status !== 200) {
    const word = textLike(member(reply.json, 'error'), /^[a-z_]{1,64}$/)
    const failure = refusal(reply, word)
    // Google has one word for a token that is early, late or not to be trusted.
    throw word === 'invalid_grant' ? orClock(failure, reply, limits.now()) : failure
  }
  const token = textLike(member(reply.json, 'access_token'), bearerToken)
  if (token === undefined) throw noAnswer(reply)
  return token
}

interface Wish {
  readonly account: string
  readonly scopes: readonly string[]
  readonly seconds: number
}

async function impersonate(
  connection: GcpConnection,
  federated: string,
  { account, scopes, seconds }: Wish,
  limits: Limits,
) {
  const reply = await ask({
    ...limits,
    who: 'Google IAM credentials',
    url: `${connection.iamcredentials}/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${federated}` },
    body: JSON.stringify({ scope: scopes, lifetime: `${seconds}s` }),
  })
  const word = textLike(member(member(reply.json, 'error'), 'status'), /^[A-Z_]{1,64}$/)
  if (reply.status !== 200) throw refusal(reply, word)
  const token = textLike(member(reply.json, 'accessToken'), bearerToken)
  const time = textLike(member(reply.json, 'expireTime'), /^\d{4}-\d\d-\d\dT[\d:.]{8,20}Z$/)
  const until = Math.floor(Date.parse(time ?? '') / 1000)
  if (token === undefined || !Number.isFinite(until)) throw noAnswer(reply)
  return { token: new Secret(token), until }
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
