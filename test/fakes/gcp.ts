/**
 * A stand-in for Google's STS and its Service Account Credentials API on loopback: a workload identity pool that trusts
 * one issuer, checks its tokens by its keys, and maps `service_account` to the account that may be impersonated.
 */
import { type KeyObject, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'

export interface GcpOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The provider of the pool: its name, and the issuer that it trusts, with its public key by kid. */
  readonly audience: string
  readonly issuer: string
  readonly key: (kid: string) => KeyObject | undefined
  readonly accounts: readonly string[]
}

type Part = 'sts' | 'iamcredentials'

export interface GcpFake {
  readonly url: string
  /** Claims of the tokens that were exchanged. */
  readonly tokens: readonly Readonly<Record<string, unknown>>[]
  /** What was asked of the credentials API: its body. */
  readonly wishes: readonly Readonly<Record<string, unknown>>[]
  /** The account of an access token that works now. */
  accountOf(token: string): string | undefined
  /** The next answer of one of both, whatever is asked. */
  answerNext(part: Part, status: number, body: string, headers?: Readonly<Record<string, string>>): void
  /** Takes requests and never answers, until the test ends. */
  hang(part: Part): void
}

class Refused extends Error {
  readonly status: number
  readonly body: unknown

  constructor(status: number, body: unknown) {
    super(`status ${status}`)
    this.status = status
    this.body = body
  }
}

const oauth = (error: string) => new Refused(400, { error, error_description: `no: ${error}` })
const api = (code: number, status: string) =>
  new Refused(code, { error: { code, status, message: `no: ${status}` } })

interface Given {
  readonly account: string
  readonly until: number
}

/** `t`: a test's context, or `node:test` itself for a whole file. */
export async function gcpFor(t: { after(run: () => void): void }, options: GcpOptions): Promise<GcpFake> {
  const fake = new Gcp(options)
  const server = createServer((request, response) => void fake.take(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    tokens: fake.tokens,
    wishes: fake.wishes,
    accountOf: (token) => fake.live(fake.given, token)?.account,
    answerNext: (part, status, body, headers = {}) => void fake.planned.push({ part, status, body, headers }),
    hang: (part) => void fake.hanging.add(part),
  }
}

class Gcp {
  readonly #options: GcpOptions
  /** Tokens of the pool: which account each may impersonate. */
  readonly #federated = new Map<string, Given>()
  readonly given = new Map<string, Given>()
  readonly tokens: Readonly<Record<string, unknown>>[] = []
  readonly wishes: Readonly<Record<string, unknown>>[] = []
  readonly planned: {
    part: Part
    status: number
    body: string
    headers: Readonly<Record<string, string>>
  }[] = []
  readonly hanging = new Set<Part>()

  constructor(options: GcpOptions) {
    this.#options = options
  }

  live(among: ReadonlyMap<string, Given>, token: string): Given | undefined {
    const found = among.get(token)
    return found !== undefined && this.#options.now() < found.until ? found : undefined
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const part = request.url === '/v1/token' ? 'sts' : 'iamcredentials'
    if (this.hanging.has(part)) return
    const at = this.planned.findIndex((each) => each.part === part)
    const [said] = at < 0 ? [] : this.planned.splice(at, 1)
    if (said !== undefined) {
      response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(said.body)
      return
    }
    try {
      const answer = part === 'sts' ? await this.#exchange(request, body) : this.#impersonate(request, body)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    } catch (thrown) {
      const refused = thrown instanceof Refused ? thrown : api(500, 'INTERNAL')
      response
        .writeHead(refused.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(refused.body))
    }
  }

  async #exchange(request: IncomingMessage, body: string): Promise<object> {
    const form = Object.fromEntries(new URLSearchParams(body))
    const { audience, issuer, key, now } = this.#options
    if (request.method !== 'POST') throw oauth('invalid_request')
    if (form['grant_type'] !== 'urn:ietf:params:oauth:grant-type:token-exchange')
      throw oauth('unsupported_grant_type')
    if (form['audience'] !== audience) throw oauth('invalid_target')
    if (form['requested_token_type'] !== 'urn:ietf:params:oauth:token-type:access_token')
      throw oauth('invalid_request')
    if (!/:(jwt|id_token)$/.test(form['subject_token_type'] ?? '')) throw oauth('invalid_request')
    if ((form['scope'] ?? '') === '') throw oauth('invalid_scope')
    const keyOf = ({ kid = '' }: { kid?: string }) => {
      const found = key(kid)
      if (found === undefined) throw oauth('invalid_grant')
      return found
    }
    const { payload } = await jwtVerify(form['subject_token'] ?? '', keyOf, {
      issuer,
      audience: [audience, `https:${audience}`],
      algorithms: ['RS256', 'ES256'],
      requiredClaims: ['iat', 'exp', 'sub', 'aud'],
      currentDate: new Date(now()),
    }).catch(() => {
      throw oauth('invalid_grant')
    })
    const { sub = '', iat = 0, exp = 0, service_account: account } = payload
    // google.subject, and the longest life that a token may have.
    if (Buffer.byteLength(sub) > 127 || exp - iat > 86_400) throw oauth('invalid_grant')
    this.tokens.push(payload)
    const token = `ya29.d.${randomBytes(60).toString('base64url')}`
    this.#federated.set(token, { account: String(account), until: now() + 3600_000 })
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    return { access_token: token, issued_token_type: type, token_type: 'Bearer', expires_in: 3600 }
  }

  #impersonate(request: IncomingMessage, body: string): object {
    const { accounts, now } = this.#options
    const path = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(request.url ?? '')
    const account = decodeURIComponent(path?.[1] ?? '')
    if (request.method !== 'POST' || path === null) throw api(404, 'NOT_FOUND')
    const caller = this.live(
      this.#federated,
      /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '',
    )
    if (caller === undefined) throw api(401, 'UNAUTHENTICATED')
    if (!accounts.includes(account)) throw api(404, 'NOT_FOUND')
    if (caller.account !== account) throw api(403, 'PERMISSION_DENIED')
    const wish = JSON.parse(body) as { scope?: readonly string[]; lifetime?: string }
    const seconds = Number(/^(\d+)s$/.exec(wish.lifetime ?? '3600s')?.[1])
    if (!Array.isArray(wish.scope) || wish.scope.length === 0) throw api(400, 'INVALID_ARGUMENT')
    if (!(seconds >= 1 && seconds <= 3600)) throw api(400, 'INVALID_ARGUMENT')
    this.wishes.push(wish as Readonly<Record<string, unknown>>)
    const until = now() + seconds * 1000
    const token = `ya29.c.${randomBytes(90).toString('base64url')}`
    this.given.set(token, { account, until })
    return { accessToken: token, expireTime: new Date(until).toISOString().replace(/\.\d{3}/, '') }
  }
}
