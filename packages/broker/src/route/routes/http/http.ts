/** The route `http`: an identity-aware reverse proxy in front of one HTTP API. */
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { asFailure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import type { Tools } from '../../../base/tools.ts'
import { bearerProblem, type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Gate, Listening, Route } from '../../route.ts'
import type { RouteSettings } from '../../settings.ts'
import { type Asked, readAsked } from './asked.ts'
import { carry, type Upstream } from './carry.ts'
import { hasBody } from './fields.ts'
import { answerBrokenRequests } from './unreadable.ts'

/** An upload that was refused is read to its end within this, so that its sender can read the answer. */
const unwanted = { bytes: 1_048_576, ms: 5_000 } as const

interface Running {
  readonly settings: RouteSettings
  readonly tools: Tools
  readonly gate: Gate
  readonly upstream: Upstream
  closing: boolean
  /** Connections on which nothing more is read: what follows an unfit request may be part of it (RFC 9112 11.2). */
  readonly spoilt: WeakSet<Duplex>
}

/** Opens nothing yet; `listen` does. */
export function openHttpRoute(settings: RouteSettings, tools: Tools): Route {
  return { listen: (gate) => listen(settings, tools, gate) }
}

async function listen(settings: RouteSettings, tools: Tools, gate: Gate): Promise<Listening> {
  const origin = new URL(settings.upstream)
  const agent = new (origin.protocol === 'https:' ? SecureAgent : Agent)({
    keepAlive: true,
    maxFreeSockets: 256,
  })
  const upstream = { origin, agent, idleMs: settings.idle_timeout * 1000 }
  const running: Running = { settings, tools, gate, upstream, closing: false, spoilt: new WeakSet() }
  const server = openServer(running)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(settings.listen.port, settings.listen.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { address, port, family } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close(graceMs) {
      closed ??= close(server, running, graceMs)
      return closed
    },
  }
}

function openServer(running: Running): Server {
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: 16_384,
    headersTimeout: 10_000,
    connectionsCheckingInterval: 5_000,
    // Uploads may take as long as they move; standing still is what `idle_timeout` ends.
    requestTimeout: 0,
    keepAliveTimeout: 75_000,
    noDelay: true,
    // Ours is the better answer, and it holds for HTTP/1.0 too.
    requireHostHeader: false,
  })
  server.maxConnections = 8192
  const answer = (request: IncomingMessage, response: ServerResponse, waits: boolean) => {
    response.once('close', () => {
      if (running.closing) server.closeIdleConnections()
    })
    serve(running, request, response, waits).catch((cause: unknown) => {
      running.tools.log.error('a request was cut', { route: running.settings.name, cause })
      response.destroy()
    })
  }
  server.on('request', (request, response) => answer(request, response, false))
  // RFC 9110 10.1.1: the caller sends its body only when it is let in.
  server.on('checkContinue', (request, response) => answer(request, response, true))
  answerBrokenRequests(server, running.tools, running.spoilt)
  return server
}

function close(server: Server, running: Running, graceMs: number): Promise<void> {
  running.closing = true
  return new Promise((resolve) => {
    const cancel = running.tools.after(graceMs, () => server.closeAllConnections())
    server.close(() => {
      cancel()
      running.upstream.agent.destroy()
      resolve()
    })
  })
}

async function serve(
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
  waits: boolean,
): Promise<void> {
  const { tools, settings } = running
  // Errors of a connection end in `close`, which is what counts here.
  request.on('error', () => {})
  response.on('error', () => {})
  if (running.spoilt.has(request.socket)) return
  const asked = readAsked(request)
  if ('fault' in asked) {
    running.spoilt.add(request.socket)
    const id = newId('er', tools)
    tools.log.info('a request was unfit', { route: settings.name, error_id: id, fault: asked.fault })
    const options = asked.status === 400 ? { error: 'invalid_request' } : {}
    refuse(running, request, response, problem(asked.status, asked.fault, id, options))
    return
  }
  const admitted = await admit(running, request, asked)
  if ('status' in admitted) {
    refuse(running, request, response, admitted)
    return
  }
  if (response.destroyed) return
  if (waits) response.writeContinue()
  carry({
    upstream: running.upstream,
    request,
    response,
    asked,
    admitted,
    extra: () => (running.closing ? ['Connection', 'close'] : []),
    failed: (status, cause) => {
      const id = newId('er', tools)
      tools.log.warn('the upstream did not answer', { route: settings.name, error_id: id, status, cause })
      const detail = status === 504 ? 'The upstream took too long.' : 'The upstream is not available.'
      refuse(running, request, response, problem(status, detail, id))
    },
  })
}

async function admit(running: Running, request: IncomingMessage, asked: Asked): Promise<Admitted | Problem> {
  const { settings, tools, gate } = running
  try {
    return await gate.admit({
      token: asked.token,
      route: settings.name,
      target: settings.target,
      action: `${request.method ?? ''} ${asked.path}`,
    })
  } catch (thrown) {
    const failure = asFailure(thrown)
    const id = failure.entry ?? newId('er', tools)
    if (failure.code === 'internal' || failure.code === 'provider_unavailable') {
      const { code, reason, cause } = failure
      tools.log.error('the gate could not decide', {
        route: settings.name,
        error_id: id,
        code,
        reason,
        cause,
      })
    }
    return bearerProblem(failure, id)
  }
}

function refuse(running: Running, request: IncomingMessage, response: ServerResponse, answer: Problem): void {
  if (response.destroyed) return
  const unread = !request.complete && hasBody(request.rawHeaders)
  const headers = [...answer.headers, 'Content-Length', String(Buffer.byteLength(answer.body))]
  if (running.closing || running.spoilt.has(request.socket)) headers.push('Connection', 'close')
  response.writeHead(answer.status, headers)
  response.end(request.method === 'HEAD' ? undefined : answer.body)
  if (unread) drain(running, request)
}

/** Closing at once would reset the connection before the answer is read; reading for ever would serve a flood. */
function drain({ tools }: Running, request: IncomingMessage): void {
  let bytes = 0
  const cut = () => request.socket.destroy()
  const cancel = tools.after(unwanted.ms, cut)
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > unwanted.bytes) cut()
  })
  request.once('close', cancel)
  request.once('end', cancel)
  request.resume()
}
