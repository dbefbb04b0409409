/** A platform's issuer on loopback with real keys, and everything that can be wrong with one. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SigningKey } from './signing-key.ts'

/** What the issuer does instead of answering. */
export type IssuerFault =
  /** Ends the connection. */
  | 'down'
  /** Answers 500. */
  | 'failing'
  /** A byte of white space now and then, without end. */
  | 'dripping'
  /** White space as fast as it is read, without end. */
  | 'endless'
  /** Takes the request and is silent until `release`. */
  | 'held'

export interface FakeIssuer extends AsyncDisposable {
  /** The exact `iss`. */
  readonly url: string
  /** What the key set has; changed at will. */
  keys: readonly SigningKey[]
  /** The key set as it is sent, when it is not made of `keys`. */
  jwks: unknown
  fault: IssuerFault | undefined
  /** Where every request is sent on to. */
  redirect: string | undefined
  /** Members of the discovery document that replace the right ones. */
  discovery: Readonly<Record<string, unknown>>
  /** Paths that were asked for, in order. */
  readonly requests: readonly string[]
  /** How often the key set was asked for. */
  fetches(): number
  /** Resolves when so many requests came in all. */
  came(count: number): Promise<void>
  /** Resolves when every connection that was made is closed. */
  quiet(): Promise<void>
  /** Connections made in all, whatever was said on them. */
  connections(): number
  /** Bytes of an endless answer that were taken from us. */
  sent(): number
  /** Answers what is held, and nothing is held from now on. */
  release(): void
}

const discoveryPath = '/.well-known/openid-configuration'
const keysPath = '/keys'

/** Starts one. Dispose it. */
export async function startIssuer(keys: readonly SigningKey[]): Promise<FakeIssuer> {
  const requests: string[] = []
  const waiting: { readonly count: number; readonly run: () => void }[] = []
  const held: (() => void)[] = []
  const open = new Set<object>()
  let connections = 0
  let sent = 0
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    for (const each of waiting) if (requests.length >= each.count) each.run()
    respond(issuer, request, response, { held, sent: (bytes) => (sent += bytes) })
  })
  server.on('connection', (socket) => {
    connections += 1
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer: FakeIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    jwks: undefined,
    fault: undefined,
    redirect: undefined,
    discovery: {},
    requests,
    fetches: () => requests.filter((path) => path === keysPath).length,
    came: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.push({ count, run: resolve })),
    quiet: async () => {
      while (open.size > 0) await new Promise((resolve) => setImmediate(resolve))
    },
    connections: () => connections,
    sent: () => sent,
    release: () => {
      issuer.fault = undefined
      for (const run of held.splice(0)) run()
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return issuer
}

interface Ways {
  readonly held: (() => void)[]
  readonly sent: (bytes: number) => void
}

function respond(issuer: FakeIssuer, request: IncomingMessage, response: ServerResponse, ways: Ways): void {
  if (issuer.redirect !== undefined) {
    response.writeHead(302, { location: issuer.redirect }).end()
    return
  }
  if (issuer.fault === 'down') request.socket.destroy()
  else if (issuer.fault === 'failing') response.writeHead(500).end('{}')
  else if (issuer.fault === 'dripping') drip(response)
  else if (issuer.fault === 'endless') pour(response, ways.sent)
  else if (issuer.fault === 'held') ways.held.push(() => answer(issuer, request, response))
  else answer(issuer, request, response)
}

function answer(issuer: FakeIssuer, request: IncomingMessage, response: ServerResponse): void {
  const document = documentAt(issuer, request.url)
  response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(document ?? {}))
}

function documentAt(issuer: FakeIssuer, path: string | undefined): unknown {
  if (path === keysPath) return issuer.jwks ?? { keys: issuer.keys.map((key) => key.jwk) }
  if (path !== discoveryPath) return undefined
  return { issuer: issuer.url, jwks_uri: `${issuer.url}${keysPath}`, ...issuer.discovery }
}

function drip(response: ServerResponse): void {
  response.writeHead(200)
  const timer = setInterval(() => response.write(' '), 5)
  response.on('close', () => clearInterval(timer))
}

function pour(response: ServerResponse, sent: (bytes: number) => void): void {
  const chunk = Buffer.alloc(16_384, 0x20)
  const more = () => {
    while (!response.destroyed) {
      sent(chunk.length)
      if (!response.write(chunk)) return
    }
  }
  response.writeHead(200).on('drain', more)
  more()
}
