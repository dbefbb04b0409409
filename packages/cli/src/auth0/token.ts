/** Is it a token of ours? By the broker's own reader, claim checks, key rules and algorithms: there is no second way. */
import { algorithmOf } from '@mayfly/broker/verify/algorithms'
import { claimsFault, leeway } from '@mayfly/broker/verify/claims'
import { type Compact, parseCompact } from '@mayfly/broker/verify/compact'
import { githubPreset } from '@mayfly/broker/verify/issuers/github-preset'
import { readKeySet, type VerificationKey } from '@mayfly/broker/verify/key-set'
import { type ActionCache, isSpent, keepKeys, keptKeys, mayAsk } from './cache.ts'

/** Whom to believe, and as whom. */
export interface TokenSettings {
  /** The only audience that a job's token may have. */
  readonly audience: string
  /** Exact `iss` of each issuer of the policy. */
  readonly issuers: Readonly<Record<string, string>>
}

export interface VerifiedToken {
  /** The issuer's name in the policy. */
  readonly issuer: string
  readonly claims: Compact['claims']
  /** What is spent, and until when (seconds) it has to be remembered. */
  readonly spends: { readonly name: string; readonly until: number }
}

/** Why a token is none of ours. Its message may be shown. */
export class Invalid extends Error {}

/** What verification needs of the world. */
export interface TokenTools {
  readonly cache: ActionCache
  readonly fetch: typeof fetch
  /** Milliseconds. */
  readonly now: () => number
}

/** How long an issuer is not asked again for a key that it did not have. */
const retryMs = 60_000
const fetchMs = 5_000
const largestKeys = 262_144

/** Throws `Invalid` for a token that proves nothing, and another error when that cannot be known. */
export async function verifiedToken(
  text: string,
  { audience, issuers }: TokenSettings,
  tools: TokenTools,
): Promise<VerifiedToken> {
  const token = parsed(text)
  const { claims } = token
  const [issuer, iss] = Object.entries(issuers).find(([, each]) => each === claims['iss']) ?? []
  if (issuer === undefined || iss === undefined) throw new Invalid('its issuer is not one of ours')
  const now = tools.now() / 1000
  const fault =
    claimsFault(token, { ...githubPreset, issuer: iss, audience, now }) ?? githubPreset.check?.(claims)
  if (fault !== undefined)
    throw new Invalid(fault.includes('audience') ? `its audience must be exactly ${audience}` : fault)
  if (!githubPreset.algorithms.some((name) => name === token.algorithm))
    throw new Invalid('an algorithm that this issuer does not use')
  const key = await keyOf(iss, token.kid, tools)
  if (key === undefined) throw new Invalid('a key that the issuer does not have')
  if (algorithmOf(key.algorithm)?.verify(token.signed, key.key, token.signature) !== true)
    throw new Invalid('the signature is wrong')
  const name = `${iss} ${String(claims['jti'])}`
  if (isSpent(name, now, tools.cache)) throw new Invalid('it was used before')
  return { issuer, claims, spends: { name, until: Number(claims['exp']) + 2 * leeway } }
}

function parsed(text: string): Compact {
  try {
    return parseCompact(text)
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new Invalid(thrown.message)
    throw thrown
  }
}

/** Keys are kept; one that is not there is looked for again, but not for every stranger's token. */
async function keyOf(
  issuer: string,
  kid: string,
  { cache, fetch }: TokenTools,
): Promise<VerificationKey | undefined> {
  const kept = keptKeys(issuer, cache)
  const found = kept === undefined ? undefined : readKeySet(kept, githubPreset.algorithms).get(kid)
  if (found !== undefined) return found
  const mayBeAsked = mayAsk(issuer, retryMs, cache)
  if (kept !== undefined && !mayBeAsked) return undefined
  const set = await fetchKeys(issuer, fetch)
  const fresh = readKeySet(set, githubPreset.algorithms)
  keepKeys(issuer, set.keys, kid, cache)
  return fresh.get(kid)
}

async function fetchKeys(issuer: string, get: typeof fetch): Promise<{ keys: Record<string, unknown>[] }> {
  const answer = await get(`${issuer}/.well-known/jwks`, {
    redirect: 'error',
    signal: AbortSignal.timeout(fetchMs),
  })
  const text = await answer.text()
  if (answer.status !== 200 || text.length > largestKeys)
    throw new Error('the keys of the issuer cannot be had')
  return JSON.parse(text) as { keys: Record<string, unknown>[] }
}
