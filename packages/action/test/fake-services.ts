import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One scripted answer of the broker; the default for anything not scripted is a grant. */
export interface Scripted {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What a scenario may change: answers by `audience`, used in order, the last one again and again. */
export interface Script {
  readonly token?: Readonly<Record<string, readonly Scripted[]>>
  readonly revoke?: readonly Scripted[]
  readonly idToken?: readonly Scripted[]
  /** Holds back each answer of `/token` until it resolves. */
  readonly hold?: Promise<void>
}

/** A server that plays GitHub's token service and a Mayfly broker, and remembers what it was asked. */
export interface FakeServices {
  readonly url: string
  /** One line for each request, with what a reviewer wants to see of it. */
  readonly requests: readonly string[]
  /** Every secret that was handed out. */
  readonly secrets: readonly string[]
  /** Resolves when the first request for a credential has arrived. */
  readonly asked: Promise<void>
  close(): Promise<void>
}

const requestToken = 'request-token-of-the-job'

/** The variables by which a job finds the token service. */
export function tokenServiceVariables(url: string): Record<string, string> {
  return {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/idtoken/1?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
  }
}

/** What the broker answers for a grant; 2026-11-23T03:00:00Z is 1795402800. */
export function grantBody(target: string, token: string, more: object = {}): object {
  return {
    access_token: token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 900,
    expires_at: 1_795_402_800,
    scope: 'deploy',
    lease_id: `lease-of-${target}`,
    grants: [`grant-of-${target}`],
    ...more,
  }
}

/** Starts on a free port of loopback. */
export async function startServices(script: Script = {}): Promise<FakeServices> {
  const requests: string[] = []
  const secrets: string[] = []
  const asked = Promise.withResolvers<void>()
  const turns = new Map<string, number>()
  const next = (name: string, answers: readonly Scripted[] | undefined): Scripted | undefined => {
    const turn = turns.get(name) ?? 0
    turns.set(name, turn + 1)
    return answers?.[Math.min(turn, answers.length - 1)]
  }
  let idTokens = 0

  const idToken = (request: IncomingMessage): Scripted => {
    if (request.headers.authorization !== `Bearer ${requestToken}`) return { status: 401, body: {} }
    const scripted = next('idToken', script.idToken)
    if (scripted !== undefined) return scripted
    const value = `id-token-${++idTokens}`
    secrets.push(value)
    return { status: 200, body: { value } }
  }
  const grant = (form: URLSearchParams): Scripted => {
    const target = form.get('audience') ?? ''
    const scripted = next(target, script.token?.[target])
    const answer = scripted ?? { status: 200, body: grantBody(target, `credential-for-${target}`) }
    if (answer.status === 200) secrets.push((answer.body as { access_token: string }).access_token)
    return answer
  }
  const answerTo = async (request: IncomingMessage, body: string): Promise<Scripted> => {
    if (request.url?.startsWith('/idtoken/1')) return idToken(request)
    if (request.url === '/token') {
      asked.resolve()
      await script.hold
      return grant(new URLSearchParams(body))
    }
    if (request.url === '/revoke') return next('revoke', script.revoke) ?? { status: 200, body: {} }
    return { status: 404, body: 'no such page' }
  }
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    requests.push(line(request, body))
    write(response, await answerTo(request, body))
  })
  const url = await listening(server)
  return { url, requests, secrets, asked: asked.promise, close: () => closed(server) }
}

/** `POST /token audience=a subject_token=b`, members decoded and in their order. */
function line(request: IncomingMessage, body: string): string {
  const form = [...new URLSearchParams(body)].map(([name, value]) => `\n    ${name} = ${value}`)
  const type = request.headers['content-type']
  return `${request.method} ${request.url}${type === undefined ? '' : ` (${type})`}${form.join('')}`
}

function write(response: ServerResponse, { status, body, headers }: Scripted): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  return text
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
