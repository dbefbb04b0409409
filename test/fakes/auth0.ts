/**
 * A tenant of Auth0 as a real server on loopback: `POST /oauth/token` for client credentials with a private key JWT,
 * whose signature, clock, audience and single use it checks as Auth0 documents them; access tokens are RS256 under its
 * own JWK Set. A limit of requests, quotas, and answers that are wrong on purpose.
 */
import { type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'

export interface FakeApi {
  /** Seconds; Auth0's default is a day. */
  readonly lifetime: number
  /** RBAC with permissions in the token: all that the client may have, whatever it asked for. */
  readonly permissionsInToken?: boolean
}

export interface FakeClient {
  readonly id: string
  readonly publicKey: KeyObject
  readonly algorithm: string
  readonly kid: string
  /** Client grants: audience to scopes. */
  readonly grants: Readonly<Record<string, readonly string[]>>
}

export interface FakeAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** Instead of an answer; `cut`: the connection breaks, `hang`: nothing ever comes, `half`: it stops in the middle. */
export type Auth0Fault = 'cut' | 'hang' | 'half' | FakeAnswer

export interface Auth0Fake {
  readonly url: string
  /** As `connections.auth0.*.domain` has it. */
  readonly domain: string
  readonly apis: Map<string, FakeApi>
  readonly clients: Map<string, FakeClient>
  /** Forms of the requests for a token, as they came. */
  readonly asked: Readonly<Record<string, string>>[]
  /** Access tokens that it gave. */
  readonly given: string[]
  /** Comes first, one for each request. */
  readonly faults: Auth0Fault[]
  /** Requests that may still come before its limit is reached, and when it is over (seconds since 1970). */
  limit: { remaining: number; reset: number } | undefined
  /** Changes the answer to a good request. */
  answer: (body: Record<string, unknown>) => unknown
  close(): void
}

/** Starts one. `now`: its clock, milliseconds since 1970. */
export async function openAuth0Fake(now: () => number): Promise<Auth0Fake> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'tenant-key', alg: 'RS256', use: 'sig' }
  const used = new Set<string>()
  const server = createServer((request, response) => {
    void serve(request, response, { fake, now, used, privateKey, jwks: { keys: [jwk] } })
  })
  server.listen(0, '127.0.0.1')
  server.unref()
  await once(server, 'listening')
  const domain = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: Auth0Fake = {
    url: `http://${domain}`,
    domain,
    apis: new Map(),
    clients: new Map(),
    asked: [],
    given: [],
    faults: [],
    limit: undefined,
    answer: (body) => body,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return fake
}

interface Tenant {
  readonly fake: Auth0Fake
  readonly now: () => number
  /** `jti` of every assertion that was taken. */
  readonly used: Set<string>
  readonly privateKey: CryptoKey
  readonly jwks: object
}

class Refused extends Error {
  readonly status: number
  readonly error: string

  constructor(status: number, error: string, description: string) {
    super(description)
    this.status = status
    this.error = error
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, tenant: Tenant): Promise<void> {
  const { fake, now } = tenant
  response.sendDate = false
  response.setHeader('date', new Date(now()).toUTCString())
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const issuer = `${fake.url}/`
  if (request.url === '/.well-known/jwks.json') return send(response, 200, tenant.jwks)
  if (request.url === '/.well-known/openid-configuration') {
    const [token_endpoint, jwks_uri] = [`${fake.url}/oauth/token`, `${fake.url}/.well-known/jwks.json`]
    return send(response, 200, { issuer, token_endpoint, jwks_uri })
  }
  if (`${request.method} ${request.url}` !== 'POST /oauth/token')
    return send(response, 404, { error: 'not_found' })
  fake.asked.push(Object.fromEntries(new URLSearchParams(body)))
  const fault = fake.faults.shift()
  if (fault !== undefined) return wrong(request, response, fault)
  try {
    countDown(response, fake)
    send(response, 200, fake.answer(await tokenFor(tenant, request, body)))
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown
    send(response, thrown.status, { error: thrown.error, error_description: thrown.message })
  }
}

function wrong(request: IncomingMessage, response: ServerResponse, fault: Auth0Fault): void {
  if (fault === 'hang') return
  if (fault === 'cut') return void request.socket.destroy()
  if (fault === 'half') return void response.writeHead(200, { 'content-length': '900' }).write('{"access_')
  response.writeHead(fault.status, fault.headers ?? {}).end(fault.body)
}

function countDown(response: ServerResponse, { limit }: Auth0Fake): void {
  if (limit === undefined) return
  limit.remaining -= 1
  response.setHeader('x-ratelimit-limit', '100')
  response.setHeader('x-ratelimit-remaining', String(Math.max(0, limit.remaining)))
  response.setHeader('x-ratelimit-reset', String(limit.reset))
  if (limit.remaining < 0) throw new Refused(429, 'too_many_requests', 'Global limit has been reached')
}

async function tokenFor(tenant: Tenant, request: IncomingMessage, body: string) {
  const { fake, now } = tenant
  if (!/^application\/x-www-form-urlencoded(;|$)/.test(request.headers['content-type'] ?? ''))
    throw new Refused(400, 'invalid_request', 'unsupported content type')
  const form = new URLSearchParams(body)
  if (form.get('grant_type') !== 'client_credentials')
    throw new Refused(403, 'unauthorized_client', 'Grant type not allowed for the client.')
  const client = await clientOf(tenant, form)
  const audience = form.get('audience') ?? ''
  const api = fake.apis.get(audience)
  if (api === undefined) throw new Refused(403, 'access_denied', `Service not found: ${audience}`)
  const granted = Object.hasOwn(client.grants, audience) ? client.grants[audience] : undefined
  if (granted === undefined)
    throw new Refused(403, 'access_denied', `Client is not authorized to access "${audience}".`)
  // Whoever names no scope gets all of them.
  const wanted = form.get('scope')?.split(' ') ?? granted
  const foreign = wanted.filter((scope) => !granted.includes(scope))
  if (foreign.length > 0)
    throw new Refused(403, 'access_denied', `Client has not been granted scopes: ${foreign.join(', ')}`)
  const seconds = Math.floor(now() / 1000)
  const scope = wanted.length === 0 ? {} : { scope: wanted.join(' ') }
  const permissions = api.permissionsInToken === true ? { permissions: granted } : {}
  const access_token = await new SignJWT({
    ...scope,
    ...permissions,
    gty: 'client-credentials',
    azp: client.id,
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'tenant-key' })
    .setIssuer(`${fake.url}/`)
    .setSubject(`${client.id}@clients`)
    .setAudience(audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + api.lifetime)
    .setJti(randomUUID())
    .sign(tenant.privateKey)
  fake.given.push(access_token)
  return { access_token, ...scope, expires_in: api.lifetime, token_type: 'Bearer' }
}

/** `private_key_jwt` (RFC 7523 3), with Auth0's limits: a slash in `aud`, 5 minutes, 10 seconds of skew, 64 characters. */
async function clientOf({ fake, now, used }: Tenant, form: URLSearchParams): Promise<FakeClient> {
  const assertion = form.get('client_assertion') ?? ''
  const refuse = (why: string) => new Refused(401, 'invalid_client', why)
  if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    throw refuse('Client authentication is missing')
  if (form.has('client_secret')) throw refuse('Only one way to authenticate')
  let claimed: string | undefined
  try {
    claimed = decodeJwt(assertion).sub
  } catch {
    throw refuse('client_assertion is not a JWT')
  }
  const client = fake.clients.get(claimed ?? '')
  if (client === undefined) throw refuse('Unknown client')
  const { payload, protectedHeader } = await jwtVerify(assertion, client.publicKey, {
    algorithms: [client.algorithm],
    issuer: client.id,
    subject: client.id,
    audience: `${fake.url}/`,
    requiredClaims: ['exp', 'jti'],
    clockTolerance: 10,
    currentDate: new Date(now()),
  }).catch(() => {
    throw refuse(`Client assertion is invalid: ${assertion}`)
  })
  const { exp = 0, iat = 0, jti = '' } = payload
  const seconds = now() / 1000
  if (protectedHeader.kid !== undefined && protectedHeader.kid !== client.kid) throw refuse('Unknown kid')
  if (exp - seconds > 310 || iat - seconds > 10) throw refuse('The assertion lives too long')
  if (jti === '' || jti.length > 64 || used.has(jti)) throw refuse('The assertion was used')
  if ((form.get('client_id') ?? client.id) !== client.id) throw refuse('Another client')
  used.add(jti)
  return client
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
