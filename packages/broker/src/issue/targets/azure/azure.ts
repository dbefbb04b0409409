/**
 * The `azure` target: an access token of Microsoft Entra for an application whose federated credential trusts our
 * tokens. Entra alone says how long it lives, and recalls none: what ends when is said in the guide.
 */
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import { ask, bearerToken, member, noAnswer, orClock, type Reply, refusal, textLike } from '../../ask.ts'
import { chosen } from '../../chosen.ts'
import type { SignFederation } from '../../federation.ts'
import type { Issued, Target } from '../../target.ts'
import { workloadClaims } from '../token/workload-claims.ts'
import { azureSettings } from './settings.ts'

/** One connection `azure.NAME`. */
export interface AzureConnection {
  readonly tenant: string
  readonly authority: string
}

export interface AzureTargetParts {
  readonly connections: Readonly<Record<string, AzureConnection>>
  readonly sign: SignFederation
  readonly tools: Pick<Tools, 'now'>
  /** Milliseconds that Entra has for an answer; ten seconds when absent. */
  readonly answerMs?: number
}

/** The one audience that federated credentials have unless somebody changed it. */
const audience = 'api://AzureADTokenExchange'
/** RFC 7523 2.2. */
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** A day, which tokens of applications that evaluate access all the time may live. */
const longest = 86_400

const handleShape = z.object({ until: z.number() })

export function openAzureTarget(parts: AzureTargetParts): Target {
  const closing = new AbortController()
  const { tools } = parts
  const now = () => Math.floor(tools.now() / 1000)
  return {
    kind: 'azure',
    local: false,
    connection: (grant) => `azure ${connectionOf(parts, grant).name}`,
    prepare(grant) {
      connectionOf(parts, grant)
      return null
    },
    async issue(grant): Promise<Issued> {
      const { connection } = connectionOf(parts, grant)
      const { client, scope } = settingsOf(grant)
      const assertion = await parts.sign(grant, { ...workloadClaims(grant), aud: audience })
      const reply = await ask({
        who: 'Entra',
        url: `${connection.authority}/${connection.tenant}/oauth2/v2.0/token`,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: formOf(client, scope, assertion),
        milliseconds: parts.answerMs ?? 10_000,
        signal: closing.signal,
      })
      const { token, seconds } = tokenIn(reply, now())
      const until = now() + seconds
      const expiresAt = Math.min(grant.expiresAt, until)
      return {
        token,
        issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
        tokenType: 'N_A',
        parts: { access_token: token, expiration: timeOf(until) },
        expiresAt,
        handle: () => ({ until }),
      }
    },
    outlives(handle) {
      const parsed = handleShape.safeParse(handle)
      if (!parsed.success || parsed.data.until <= now()) return undefined
      return `Entra recalls no access token of an application: this one works until ${timeOf(parsed.data.until)}`
    },
    close: async () => closing.abort(),
  }
}

function settingsOf(grant: Grant) {
  const parsed = azureSettings.safeParse(grant.settings)
  if (parsed.success) return parsed.data
  throw new Failure('target_refused', { reason: `the settings of ${grant.target} are not those of azure` })
}

function connectionOf({ connections }: AzureTargetParts, grant: Grant) {
  return chosen('azure', connections, settingsOf(grant).tenant)
}

function formOf(client: string, scope: string, assertion: string): string {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client,
    client_assertion_type: assertionType,
    client_assertion: assertion,
    scope,
  }).toString()
}

/** Assertions that are not valid yet or no more, and those that cannot be checked. */
const ofClocks = /AADSTS(700024|50013)$/

function tokenIn(reply: Reply, now: number) {
  const { status, json } = reply
  if (status !== 200) {
    const word = wordOf(json)
    const failure = refusal(reply, word)
    throw ofClocks.test(word ?? '') ? orClock(failure, reply, now) : failure
  }
  const token = textLike(member(json, 'access_token'), bearerToken)
  const type = textLike(member(json, 'token_type'), /^bearer$/i)
  const seconds = member(json, 'expires_in')
  const isTime = typeof seconds === 'number' && Number.isSafeInteger(seconds) && seconds > 0
  if (token === undefined || type === undefined || !isTime || seconds > longest) throw noAnswer(reply)
  return { token: new Secret(token), seconds }
}

/** RFC 6749 5.2, and the number by which Microsoft's pages explain it. */
function wordOf(json: unknown): string | undefined {
  const error = textLike(member(json, 'error'), /^[a-z_]{1,64}$/)
  const codes = member(json, 'error_codes')
  const code: unknown = Array.isArray(codes) ? codes[0] : undefined
  // Clients that look at the word alone must go on seeing that it may pass.
  if (error === undefined || error === 'temporarily_unavailable' || !Number.isSafeInteger(code)) return error
  return `${error} AADSTS${String(code)}`
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
