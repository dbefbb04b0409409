/**
 * A stand-in for Microsoft Entra's token endpoint on loopback: client credentials by a federated credential. Issuer,
 * subject and audience have to be those of the credential to the letter, and the signature that of the issuer's key.
 */
import { type KeyObject, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { decodeJwt, jwtVerify } from 'jose'
import type { Certificate } from './certificate.ts'

export interface EntraOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly tenant: string
  readonly key: (kid: string) => KeyObject | undefined
  /** Federated credentials by application. */
  readonly applications: Readonly<
    Record<string, readonly { readonly issuer: string; readonly subject: string }[]>
  >
  /** Speaks TLS with it; Microsoft's own client takes nothing else. */
  readonly certificate?: Certificate
}

export interface EntraFake {
  readonly url: string
  /** Claims of the assertions that were accepted. */
  readonly assertions: readonly Readonly<Record<string, unknown>>[]
  /** The application and the resource of a token that works now. */
  holderOf(token: string): { readonly client: string; readonly resource: string } | undefined
  answerNext(status: number, body: string, headers?: Readonly<Record<string, string>>): void
  /** Takes requests and never answers, until the test ends. */
  hang(): void
}

class Refused extends Error {
  readonly status: number
  readonly error: string
  readonly number: number

  constructor(status: number, error: string, number: number) {
    super(error)
    this.status = status
    this.error = error
    this.number = number
  }
}

interface Given {
  readonly client: string
  readonly resource: string
  readonly until: number
}

interface Planned {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** `t`: a test's context, or `node:test` itself for a whole file. */
export async function entraFor(
  t: { after(run: () => void): void },
  options: EntraOptions,
): Promise<EntraFake> {
  const fake = new Entra(options)
  const { certificate } = options
  const take = (request: IncomingMessage, response: ServerResponse) => void fake.take(request, response)
  const server = certificate === undefined ? createServer(take) : createTlsServer({ ...certificate }, take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    assertions: fake.assertions,
    holderOf: (token) => {
      const found = fake.given.get(token)
      return found !== undefined && options.now() < found.until ? found : undefined
    },
    answerNext: (status, body, headers = {}) => void fake.planned.push({ status, body, headers }),
    hang: () => {
      fake.hanging = true
    },
  }
}

class Entra {
  readonly #options: EntraOptions
  readonly given = new Map<string, Given>()
  readonly assertions: Readonly<Record<string, unknown>>[] = []
  readonly planned: Planned[] = []
  hanging = false

  constructor(options: EntraOptions) {
    this.#options = options
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (this.hanging) return
    const said = this.planned.shift()
    if (said !== undefined) {
      response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(said.body)
      return
    }
    try {
      const answer = await this.#answer(request, Object.fromEntries(new URLSearchParams(body)))
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    } catch (thrown) {
      const { status, error, number } =
        thrown instanceof Refused ? thrown : new Refused(500, 'server_error', 90_002)
      const text = {
        error,
        error_description: `AADSTS${number}: no. Trace ID: 1`,
        error_codes: [number],
        trace_id: '1',
      }
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(text))
    }
  }

  async #answer(request: IncomingMessage, form: Readonly<Record<string, string>>): Promise<object> {
    const { tenant, applications, now } = this.#options
    // Microsoft's client writes its statistics behind the path.
    const [path] = (request.url ?? '').split('?')
    if (request.method === 'GET' && path === `/${tenant}/v2.0/.well-known/openid-configuration`)
      return discovery(`https://${request.headers.host}/${tenant}`)
    if (request.method !== 'POST' || path !== `/${tenant}/oauth2/v2.0/token`)
      throw new Refused(400, 'invalid_request', 90_002)
    const client = form['client_id'] ?? ''
    if (form['grant_type'] !== 'client_credentials') throw new Refused(400, 'unsupported_grant_type', 70_003)
    const resource = /^(\S+)\/\.default$/.exec(form['scope'] ?? '')?.[1]
    if (resource === undefined) throw new Refused(400, 'invalid_scope', 70_011)
    if (!Object.hasOwn(applications, client)) throw new Refused(400, 'unauthorized_client', 700_016)
    if (form['client_assertion_type'] !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      throw new Refused(401, 'invalid_client', 7_000_218)
    await this.#assertion(client, form['client_assertion'] ?? '')
    const token = `eyJ0.${randomBytes(300).toString('base64url')}.${randomBytes(64).toString('base64url')}`
    const seconds = 3599
    this.given.set(token, { client, resource, until: now() + seconds * 1000 })
    return { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token }
  }

  async #assertion(client: string, assertion: string): Promise<void> {
    const { applications, key, now } = this.#options
    const { iss, sub } = decodeJwt(assertion)
    const credentials = applications[client] ?? []
    const issued = credentials.filter(({ issuer }) => issuer === iss)
    if (issued.length === 0) throw new Refused(401, 'invalid_client', 700_211)
    if (!issued.some(({ subject }) => subject === sub)) throw new Refused(401, 'invalid_client', 700_213)
    const keyOf = ({ kid = '' }: { kid?: string }) => {
      const found = key(kid)
      if (found === undefined) throw new Refused(401, 'invalid_client', 5_000_131)
      return found
    }
    const { payload } = await jwtVerify(assertion, keyOf, {
      audience: 'api://AzureADTokenExchange',
      algorithms: ['RS256'],
      requiredClaims: ['exp'],
      currentDate: new Date(now()),
      clockTolerance: 300,
    }).catch((thrown: { code?: string }) => {
      const expired = thrown.code === 'ERR_JWT_EXPIRED'
      throw new Refused(401, 'invalid_client', expired ? 700_024 : 700_212)
    })
    if (Array.isArray(payload.aud)) throw new Refused(401, 'invalid_client', 700_212)
    this.assertions.push(payload)
  }
}

/** OpenID Connect Discovery 1.0 section 4.2, as far as clients of Entra read it. */
function discovery(tenant: string): object {
  return {
    issuer: `${tenant}/v2.0`,
    authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
    token_endpoint: `${tenant}/oauth2/v2.0/token`,
    end_session_endpoint: `${tenant}/oauth2/v2.0/logout`,
    jwks_uri: `${tenant}/discovery/v2.0/keys`,
  }
}
