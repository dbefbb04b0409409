/** The route `http`: an identity-aware reverse proxy in front of one HTTP API. */
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { asFailure, Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { listenOn } from '../../../base/listening.ts'
import type { Tools } from '../../../base/tools.ts'
import { bearerProblem, type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Gate, Listening, Route } from '../../route.ts'
import type { HttpRouteSettings } from '../../settings.ts'
import { type Asked, readAsked } from './asked.ts'
import type { Upstream } from './carriage.ts'
import { carry } from './carry.ts'
import { Connections } from './connections.ts'
import { hasBody } from './fields.ts'
import { readJsonBody } from './json-body.ts'
import { answerBrokenRequests, endWith } from './unreadable.ts'
import { drain } from './upload.ts'
import { watchLease } from './watch.ts'
import { carryWebSocket, handshakeFault, isWebSocket, type Switched } from './websocket.ts'
import { Wires } from './wires.ts'

interface Running {
  readonly settings: HttpRouteSettings
  readonly tools: Tools
  readonly gate: Gate
  readonly upstream: Upstream
  readonly connections: Connections
  readonly switched: Switched
  closing: boolean
}

/** Opens nothing yet; `listen` does. */
export function openHttpRoute(settings: HttpRouteSettings, tools: Tools): Route {
  return { listen: (gate) => listen(settings, tools, gate) }
}

async function listen(settings: HttpRouteSettings, tools: Tools, gate: Gate): Promise<Listening> {
  const origin = new URL(settings.upstream)
  const agent = new (origin.protocol === 'https:' ? SecureAgent : Agent)({
    keepAlive: true,
    maxFreeSockets: 256,
  })
  const idleMs = settings.idle_timeout * 1000
  const wires = origin.protocol === 'http:' ? { wires: new Wires(origin, idleMs) } : {}
  const upstream = { origin, agent, idleMs, ...wires }
  const connections = new Connections(settings.max_connections)
  const running: Running = {
    settings,
    tools,
    gate,
    upstream,
    connections,
    switched: new Set(),
    closing: false,
  }
  const server = openServer(running)
  const url = await listenOn(server, settings.listen, `\`listen\` of route \`${settings.name}\``)
  let closed: Promise<void> | undefined
  return {
    url,
    close(graceMs) {
      closed ??= close(server, running, graceMs)
      return closed
    },
  }
}

function openServer(running: Running): Server {
  const { settings, tools, upstream, connections } = running
  const headersTimeout = settings.header_timeout * 1000
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: 16_384,
    headersTimeout,
    connectionsCheckingInterval: Math.min(5_000, headersTimeout / 2),
    // Uploads may take as long as they move; standing still is what `idle_timeout` ends.
    requestTimeout: 0,
    // Nothing is read of a request that has no body.
    keepAliveTimeout: 75_000,
    noDelay: true,
    // What asks for another protocol is answered as a request, and refused there.
    shouldUpgradeCallback: isWebSocket,
    // Ours is the better answer, and it holds for HTTP/1.0 too.
    requireHostHeader: false,
  })
  server.maxConnections = settings.max_connections
  // The upstream's side is cut first; this ends what waits for a caller that reads nothing of a finished answer.
  server.timeout = 2 * upstream.idleMs + 5_000
  const answer = (request: IncomingMessage, response: ServerResponse, waits: boolean) => {
    // Errors of a connection end in `close`, which is what counts here.
    request.on('error', () => {})
    response.on('error', () => {})
    const leave = connections.take(request, response)
    if (leave === undefined) return
    response.once('close', () => {
      leave()
      if (running.closing) server.closeIdleConnections()
    })
    serve(running, request, response, waits).catch((cause: unknown) => {
      tools.log.error('a request was cut', { route: settings.name, cause })
      response.destroy()
    })
  }
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {})
    switchProtocols(running, request, socket, head).catch((cause: unknown) => {
      tools.log.error('a request was cut', { route: settings.name, cause })
      socket.destroy()
    })
  })
  server.on('request', (request, response) => answer(request, response, false))
  // RFC 9110 10.1.1: the caller sends its body only when it is let in.
  server.on('checkContinue', (request, response) => answer(request, response, true))
  answerBrokenRequests(server, tools, connections)
  return server
}

function close(server: Server, running: Running, graceMs: number): Promise<void> {
  running.closing = true
  return new Promise((resolve) => {
    for (const side of running.switched) side.end()
    const cancel = running.tools.after(graceMs, () => {
      server.closeAllConnections()
      for (const side of running.switched) side.destroy()
    })
    server.close(() => {
      cancel()
      running.upstream.agent.destroy()
      running.upstream.wires?.destroy()
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
  const { tools, settings, connections } = running
  const asked = readAsked(request)
  if ('unfit' in asked) {
    connections.spoil(request.socket)
    const id = newId('er', tools)
    tools.log.info('a request was unfit', { route: settings.name, error_id: id, fault: asked.unfit })
    const options = asked.status === 400 ? { error: 'invalid_request' } : {}
    refuse(running, request, response, problem(asked.status, asked.unfit, id, options))
    return
  }
  const admitted = await admit(running, request, asked)
  if ('status' in admitted) {
    refuse(running, request, response, admitted)
    return
  }
  if (response.destroyed) return
  if (waits) response.writeContinue()
  const body = await wantedBody(running, request, admitted)
  if (body !== undefined && 'status' in body) {
    refuse(running, request, response, body)
    return
  }
  if (response.destroyed) return
  watchLease(running.gate, admitted, response, tools)
  carry({
    upstream: running.upstream,
    tools,
    request,
    response,
    asked,
    admitted,
    ...(body === undefined ? {} : { body }),
    extra: () => (running.closing ? ['Connection', 'close'] : []),
    failed: (status, cause) => refuse(running, request, response, unavailable(running, status, cause)),
  })
}

/** RFC 6455: let in like every request, and then carried until either side, or the lease, ends. */
async function switchProtocols(
  running: Running,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { tools, settings, connections, upstream, gate, switched } = running
  // An answer that is still due on this connection would land within what is carried.
  if (!connections.mayAnswer(socket) || connections.isSpoilt(socket)) {
    socket.destroy()
    return
  }
  connections.spoil(socket)
  const asked = readAsked(request, true)
  const unfit = 'unfit' in asked ? asked.unfit : handshakeFault(request)
  if ('unfit' in asked || unfit !== undefined) {
    endWith(socket, problem(400, unfit ?? '', newId('er', tools), { error: 'invalid_request' }))
    return
  }
  const admitted = await admit(running, request, asked)
  if (socket.destroyed) return
  if ('status' in admitted) {
    endWith(socket, admitted)
    return
  }
  if (admitted.body !== undefined) {
    const fault = new Failure('scope_refused', {
      reason: 'the policy asks for a body, and this request has none',
    })
    const ask = { route: settings.name, target: settings.target, action: `GET ${asked.path}` }
    endWith(socket, refusalOf(running, await gate.refuse(admitted, ask, fault)))
    return
  }
  carryWebSocket({
    ...{ upstream, tools, gate, request, socket, head, asked, admitted, switched },
    unavailable: (status, cause) => unavailable(running, status, cause),
  })
}

function unavailable({ tools, settings }: Running, status: 502 | 504, cause: unknown): Problem {
  const id = newId('er', tools)
  tools.log.warn('the upstream did not answer', { route: settings.name, error_id: id, status, cause })
  const detail = status === 504 ? 'The upstream took too long.' : 'The upstream is not available.'
  return problem(status, detail, id)
}

async function admit(running: Running, request: IncomingMessage, asked: Asked): Promise<Admitted | Problem> {
  const { settings, gate } = running
  const { token, fault, path, query, overrides } = asked
  const method = request.method ?? ''
  const { name: route, target } = settings
  const ask = {
    token,
    route,
    target,
    action: `${method} ${path}`,
    request: { method, path, query, overrides },
  }
  try {
    return await gate.admit(fault === undefined ? ask : { ...ask, fault })
  } catch (thrown) {
    return refusalOf(running, thrown)
  }
}

/** The body of a request whose policy speaks of it, once it was found to fit. */
async function wantedBody(
  running: Running,
  request: IncomingMessage,
  { body }: Admitted,
): Promise<Buffer | Problem | undefined> {
  if (body === undefined) return undefined
  let bytes: Buffer = Buffer.alloc(0)
  try {
    await body(async () => {
      const read = await readJsonBody(request)
      bytes = read.bytes
      return read.json
    })
    return bytes
  } catch (thrown) {
    return refusalOf(running, thrown)
  }
}

function refusalOf({ settings, tools }: Running, thrown: unknown): Problem {
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

function refuse(running: Running, request: IncomingMessage, response: ServerResponse, answer: Problem): void {
  if (response.destroyed) return
  const unread = !request.complete && hasBody(request.rawHeaders)
  const headers = [...answer.headers, 'Content-Length', String(Buffer.byteLength(answer.body))]
  if (running.closing || running.connections.isSpoilt(request.socket)) headers.push('Connection', 'close')
  response.writeHead(answer.status, headers)
  response.end(request.method === 'HEAD' ? undefined : answer.body)
  if (unread) drain(request, running.tools)
}
