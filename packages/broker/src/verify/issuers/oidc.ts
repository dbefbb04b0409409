/**
 * oidc: the issuer kind that every platform of `presets.ts` is: discovery, keys, claims and times of an OpenID Connect
 * ID token. It says who asks and never what they may have; that a token is spent once is the exchange's. What it
 * fetches (discovery and keys alone) goes through `fetch-document.ts`. `kinds.ts` opens one for each configured issuer;
 * the exchange calls it through `issuer.ts`.
 */
import { hash } from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import type { Tools } from '../../base/tools.ts'
import type { Principal } from '../../domain.ts'
import { type AlgorithmName, algorithmOf } from '../algorithms.ts'
import { claimsFault, leeway } from '../claims.ts'
import type { Compact } from '../compact.ts'
import { type FetchDocument, fetchDocument } from '../fetch-document.ts'
import type { Issuer } from '../issuer.ts'
import { type KeySource, RemoteKeys, staticKeys } from '../jwks.ts'
import { isLoopbackAddress } from '../network-address.ts'
import { configuredIssuer, type IssuerSettings } from '../settings.ts'
import type { Preset } from './preset.ts'
import { presets } from './presets.ts'

export interface OidcIssuerParts {
  /** As policies name it. */
  readonly name: string
  readonly settings: IssuerSettings
  /** Our own URL: the audience that tokens must carry. */
  readonly audience: string
  readonly tools: Pick<Tools, 'now' | 'log'>
  readonly fetch?: FetchDocument
}

/** How much longer than a token a spent one is remembered: our own clock may be set back a little. */
const margin = 60

/** Opens an OpenID Connect issuer. Throws `TypeError` when its settings cannot be meant. */
export function openOidcIssuer(parts: OidcIssuerParts): Issuer {
  const { name, settings, tools } = parts
  const preset = presets[settings.preset]
  const issuer = issuerOf(name, settings, preset)
  const keys = keysOf(parts, preset, issuer)
  const shared = preset.sharedAudience === 'issuer' ? issuer : preset.sharedAudience
  const expected = {
    issuer,
    audience: shared ?? parts.audience,
    maxAge: settings.max_age ?? preset.maxAge,
    maxLifetime: settings.max_lifetime ?? preset.maxLifetime,
    required: preset.required,
    text: preset.text,
  }
  return {
    name,
    accepts: ({ iss }) => iss === issuer,
    verify: async (token, audience, type) => {
      const fault =
        claimsFault(token, {
          ...expected,
          ...(audience === undefined ? {} : { alias: audience }),
          ...(type === undefined ? {} : { type }),
          now: tools.now() / 1000,
        }) ??
        preset.check?.(token.claims) ??
        (await signatureFault(token, preset.algorithms, keys))
      if (fault !== undefined) throw new Failure('subject_token_invalid', { reason: `${name}: ${fault}` })
      return principalOf(name, issuer, preset, token)
    },
  }
}

/** The key decides the algorithm; the token's header only has to agree (RFC 8725 3.1). */
async function signatureFault(
  token: Compact,
  allowed: readonly AlgorithmName[],
  keys: KeySource,
): Promise<string | undefined> {
  if (!(allowed as readonly string[]).includes(token.algorithm))
    return 'an algorithm that this issuer does not use'
  const found = keys.find(token.kid)
  const key = found instanceof Promise ? await found : found
  if (key === undefined) return 'a key that the issuer does not have'
  if (key.algorithm !== token.algorithm) return 'a key that belongs to another algorithm'
  const good = algorithmOf(key.algorithm)?.verify(token.signed, key.key, token.signature)
  return good === true ? undefined : 'the signature is wrong'
}

function principalOf(name: string, iss: string, preset: Preset, token: Compact): Principal {
  const { claims } = token
  const repository = preset.repository === undefined ? undefined : claims[preset.repository]
  const actor = preset.actor === undefined ? undefined : claims[preset.actor]
  const job = preset.job?.(claims)
  const named = job !== undefined && (job.id !== undefined || job.run !== undefined)
  return {
    issuer: name,
    iss,
    subject: String(claims['sub'] ?? ''),
    claims,
    replayKey: replayKey(iss, claims['jti'], token.signed),
    replayUntil: Number(claims['exp']) + leeway + margin,
    ...(named ? { job: { issuer: name, ...job } } : {}),
    ...(typeof repository === 'string' ? { repository: repository.toLowerCase() } : {}),
    ...(typeof actor === 'string' && actor !== '' ? { actor: actor.toLowerCase() } : {}),
  }
}

/** The store hashes it. Two issuers may give the same `jti`; the same token has one text only, since its spelling is canonical. */
function replayKey(iss: string, jti: unknown, signed: Uint8Array): string {
  if (typeof jti === 'string') return `${iss}\0jti\0${jti}`
  return hash('sha256', Buffer.concat([Buffer.from(`${iss}\0bytes\0`), signed]), 'base64url')
}

function keysOf(parts: OidcIssuerParts, preset: Preset, issuer: string): KeySource {
  const { settings, tools, fetch = fetchDocument } = parts
  if (settings.jwks !== undefined) return staticKeys(settings.jwks, preset.algorithms)
  return new RemoteKeys({
    issuer,
    ...(settings.jwks_uri === undefined ? {} : { jwksUri: settings.jwks_uri }),
    ...(preset.keyHosts === undefined ? {} : { keyHosts: preset.keyHosts }),
    algorithms: preset.algorithms,
    reach: { privateNetwork: settings.private_network, loopbackHttp: settings.dangerously_allow_http },
    fetch,
    tools,
  })
}

/** The exact text of `iss`. What cannot be an issuer of this platform is a mistake of the configuration. */
function issuerOf(name: string, settings: IssuerSettings, preset: Preset): string {
  const issuer = configuredIssuer(settings)
  if (issuer === undefined) throw new TypeError(`issuer \`${name}\`: this platform needs \`issuer\``)
  const fault = issuerFault(issuer, settings, preset)
  if (fault !== undefined) throw new TypeError(`issuer \`${name}\`: ${fault}`)
  return issuer
}

function issuerFault(issuer: string, settings: IssuerSettings, preset: Preset): string | undefined {
  if (preset.form.test(issuer)) return undefined
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (!settings.dangerously_allow_http || url?.protocol !== 'http:') {
    return `\`issuer\` is no issuer of preset ${settings.preset}`
  }
  const plain = url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  const loopback = url.hostname === 'localhost' || isLoopbackAddress(url.hostname.replace(/^\[|\]$/g, ''))
  return plain && loopback ? undefined : '`dangerously_allow_http` works on loopback only'
}
