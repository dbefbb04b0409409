/**
 * An OpenID Provider as its client sees it: where a browser is sent, and where a code is redeemed. Its addresses come from its
 * own discovery document, and all that we send to is of its own origin unless the configuration says otherwise.
 */
import { Failure } from './base/failure.ts'
import type { Secret } from './base/secret.ts'

export interface Provider {
  /** The address of the authorization endpoint with a request. */
  authorization(request: Readonly<Record<string, string>>): Promise<string>
  /** The ID token for a code. Throws `subject_token_invalid` for a code that the provider refuses. */
  redeem(request: Readonly<Record<string, string>>): Promise<string>
  /** Whether an answer that names this issuer, or none, can be its own. */
  isFrom(issuer: string | undefined): Promise<boolean>
  /** Where it ends its own session; `undefined` where it does not say. */
  endSession(clientId: string, back: string): Promise<string | undefined>
}

export interface ProviderParts {
  /** Its exact `iss`. */
  readonly issuer: string
  readonly scopes: readonly string[]
  readonly acrValues: readonly string[]
  readonly clientId: string
  readonly clientSecret: Secret
  /** Reads one JSON document of the provider, guarded as keys are. */
  readonly fetchDocument: (url: URL) => Promise<unknown>
  readonly post: (url: URL, headers: Readonly<Record<string, string>>, body: string) => Promise<PostAnswer>
  readonly now: () => number
}

export interface PostAnswer {
  readonly status: number
  readonly text: string
}

interface Places {
  readonly authorization: URL
  readonly token: URL
  readonly endSession: URL | undefined
  /** RFC 9207 3. */
  readonly saysIssuer: boolean
  readonly at: number
}

const freshMs = 3_600_000

export function openProvider(parts: ProviderParts): Provider {
  let known: Promise<Places> | undefined
  let places: Places | undefined
  const find = async (): Promise<Places> => {
    if (places !== undefined && parts.now() - places.at < freshMs) return places
    known ??= discover(parts).finally(() => {
      known = undefined
    })
    places = await known
    return places
  }
  return {
    async authorization(request) {
      const { authorization } = await find()
      const url = new URL(authorization)
      const { scopes, acrValues } = parts
      const all = {
        response_type: 'code',
        ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(' ') }),
        ...request,
        code_challenge_method: 'S256',
        scope: ['openid', ...scopes.filter((scope) => scope !== 'openid')].join(' '),
      }
      for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
      return url.href
    },
    redeem: async (request) => await redeem(parts, (await find()).token, request),
    // Discovery first: a broker that has just started knows nothing of what the provider always says.
    isFrom: async (issuer) => (issuer === undefined ? !(await find()).saysIssuer : issuer === parts.issuer),
    async endSession(clientId, back) {
      const { endSession } = await find()
      if (endSession === undefined) return undefined
      const url = new URL(endSession)
      url.searchParams.set('client_id', clientId)
      url.searchParams.set('post_logout_redirect_uri', back)
      return url.href
    },
  }
}

async function discover(parts: ProviderParts): Promise<Places> {
  const { issuer } = parts
  const place = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const document = await parts.fetchDocument(place).catch((cause: unknown) => {
    throw new Failure('provider_unavailable', { reason: `the provider ${issuer} cannot be asked`, cause })
  })
  const said = document as Readonly<Record<string, unknown>>
  if (said['issuer'] !== issuer)
    throw new Failure('provider_unavailable', { reason: `${place.host} speaks for another issuer` })
  return {
    authorization: endpoint(issuer, said, 'authorization_endpoint'),
    token: endpoint(issuer, said, 'token_endpoint'),
    endSession:
      said['end_session_endpoint'] === undefined ? undefined : endpoint(issuer, said, 'end_session_endpoint'),
    saysIssuer: said['authorization_response_iss_parameter_supported'] === true,
    at: parts.now(),
  }
}

/** Of its own origin: a document that somebody changed must not have our client secret sent elsewhere. */
function endpoint(issuer: string, said: Readonly<Record<string, unknown>>, name: string): URL {
  const text = said[name]
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.origin !== new URL(issuer).origin || url.username !== '' || url.hash !== '')
    throw new Failure('provider_unavailable', { reason: `the provider has no ${name} of its own origin` })
  return url
}

/** RFC 6749 2.3.1: the secret in the Authorization header, form-encoded first. */
async function redeem(
  { clientId, clientSecret, post }: ProviderParts,
  url: URL,
  request: Readonly<Record<string, string>>,
): Promise<string> {
  const encoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  const credentials = `${encoded(clientId)}:${encoded(clientSecret.reveal())}`
  const body = new URLSearchParams({ grant_type: 'authorization_code', ...request }).toString()
  const answer = await post(
    url,
    { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body,
  ).catch((cause: unknown) => {
    throw new Failure('provider_unavailable', { reason: 'the token endpoint cannot be asked', cause })
  })
  const said = parsed(answer.text)
  if (answer.status !== 200) {
    const error = typeof said['error'] === 'string' ? said['error'].slice(0, 60) : String(answer.status)
    throw new Failure('subject_token_invalid', { reason: `the provider does not redeem the code: ${error}` })
  }
  const token = said['id_token']
  if (typeof token !== 'string')
    throw new Failure('subject_token_invalid', { reason: 'the provider gave no ID token' })
  return token
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
