/** The route `http`: an identity-aware reverse proxy in front of one HTTP API. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { asFailure, Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import type { Reach } from '../../../base/reach.ts'
import type { Tools } from '../../../base/tools.ts'
import { bearerProblem, type Problem, problem } from '../../bearer-error.ts'
import type { Admitted, Gate, Listening, Route } from '../../route.ts'
import type { HttpRouteSettings } from '../../settings.ts'
import type { SignIn } from '../../sign-in.ts'
import { watchLease } from '../../watch.ts'
import { agentFor, http2AgentFor } from './agent.ts'
import { type Asked, readAsked } from './asked.ts'
import { admit, asserted, charged, isSpent, mustRecord, record } from './asking.ts'
import type { Upstream } from './carriage.ts'
import { carryToOne, carryWebSocketToOne } from './carry-to-one.ts'
import { type InjectedAt, injectedBy } from './injected.ts'
import { injectedByLease } from './lease-injected.ts'
import { openPool, withPool } from './pool.ts'
import { follow } from './recorded.ts'
import type { Running } from './running.ts'
import { refusalOf, say, unfit } from './saying-no.ts'
import { openServing } from './served.ts'
import { listenForRequests } from './serving.ts'
import { again, ownPaths, passDoor } from './sign-in/door.ts'
import { endWith } from './unreadable.ts'
import { wanted } from './wanted.ts'
import { handshakeFault, isWebSocket } from './websocket.ts'
import { Wires } from './wires.ts'

/** Opens nothing yet; `listen` does. */
export function openHttpRoute(
  settings: HttpRouteSettings,
  tools: Tools,
  reach?: Reach,
  signIn?: SignIn,
): Route {
  return { listen: (gate) => listen(settings, tools, gate, { reach, signIn }) }
}

function listen(
  settings: HttpRouteSettings,
  tools: Tools,
  gate: Gate,
  { reach, signIn }: { readonly reach: Reach | undefined; readonly signIn: SignIn | undefined },
): Promise<Listening> {
  const idleMs = settings.idle_timeout * 1000
  const people = signIn === undefined ? {} : { ownCookies: true as const }
  const fixed = settings.inject && injectedBy(settings.inject)
  const injected = fixed === undefined ? {} : { injected: fixed }
  const scheme: 'http' | 'https' = settings.tls === undefined ? 'http' : 'https'
  const isHttp2 = settings.upstream_http2 === true
  const upstreamAt = (text: string): Upstream => {
    const origin = new URL(text)
    const agent = isHttp2
      ? http2AgentFor(origin, reach, settings.upstream_tls, { idleMs, tools })
      : agentFor(origin, reach, settings.upstream_tls)
    const isWired = origin.protocol === 'http:' && reach === undefined && !isHttp2
    const wires = isWired ? { wires: new Wires(origin, idleMs) } : {}
    return { origin, agent, idleMs, scheme, ...wires, ...people, ...injected }
  }
  const [first, ...more] = [settings.upstream].flat()
  if (first === undefined) throw new TypeError('a route without an upstream')
  const upstreams = [upstreamAt(first), ...more.map(upstreamAt)] as const
  const pool = openPool(upstreams, settings.name, settings.health, tools)
  const running: Running = { ...openServing(settings, tools, gate), settings, gate, pool, signIn }
  const headersTimeout = settings.header_timeout * 1000
  const listening = listenForRequests(
    running,
    settings,
    {
      serve: (request, response, waits) => serve(running, request, response, waits),
      upgrade: (request, socket, head) => switchProtocols(running, request, socket, head),
      closed: () => pool.close(),
    },
    {
      headersTimeout,
      connectionsCheckingInterval: Math.min(5_000, headersTimeout / 2),
      // Uploads may take as long as they move; standing still is what `idle_timeout` ends.
      requestTimeout: 0,
      // What asks for another protocol is answered as a request, and refused there.
      shouldUpgradeCallback: isWebSocket,
      // The upstream's side is cut first; this ends what waits for a caller that reads nothing of a finished answer.
      idleMs: 2 * idleMs + 5_000,
    },
  )
  return withPool(listening, pool)
}

async function serve(
  running: Running,
  request: IncomingMessage,
  response: ServerResponse,
  waits: boolean,
): Promise<void> {
  const { tools } = running
  const read = readAsked(request)
  if ('unfit' in read) {
    say(running, request, response, await unfit(running, request.socket, read.status, read.unfit))
    return
  }
  const { signIn } = running
  // What is ours has a body that is read before anybody is let in.
  if (waits && signIn !== undefined && read.path.startsWith(ownPaths)) response.writeContinue()
  const passed = signIn === undefined ? { asked: read } : await passDoor(running, signIn, request, read)
  if ('answer' in passed) {
    say(running, request, response, passed.answer)
    return
  }
  const { asked } = passed
  const admitted = await admit(running, request, asked)
  if ('status' in admitted) {
    const refusal = signIn === undefined ? admitted : await again(running, signIn, request, asked, admitted)
    say(running, request, response, refusal)
    return
  }
  if (response.destroyed) return
  if (waits) response.writeContinue()
  const body = await wanted(running, request, response, asked, admitted)
  if (body !== undefined && 'status' in body) {
    say(running, request, response, body)
    return
  }
  const meter = await charged(running, request, asked, admitted, body)
  if (meter !== undefined && 'status' in meter) {
    say(running, request, response, meter)
    return
  }
  const recorded = mustRecord(running) ? await record(running, request, asked, admitted) : undefined
  if (recorded !== undefined && 'status' in recorded) {
    say(running, request, response, recorded)
    return
  }
  const injectedAt = await leaseInjected(running, admitted, request, asked, body)
  if (injectedAt !== undefined && 'status' in injectedAt) {
    recorded?.answered({ cut: true })
    say(running, request, response, injectedAt)
    return
  }
  if (response.destroyed) {
    recorded?.answered({ cut: true })
    return
  }
  const followed = recorded && follow(request, response, body, recorded.answered)
  watchLease(running.gate, admitted, response, tools, followed?.over)
  const carriage = {
    tools,
    request,
    response,
    asked,
    admitted,
    ...(body === undefined ? {} : { body }),
    ...asserted(running, admitted),
    ...(injectedAt === undefined ? {} : { injectedAt }),
    ...(meter?.flows ? { meter } : {}),
    ...(followed === undefined ? {} : { count: followed.count }),
    extra: () => [
      // RFC 9111 3.5 keeps what a token opened out of shared caches, but not what a cookie did.
      ...(signIn === undefined ? [] : ['Vary', 'Cookie']),
      ...(running.closing ? ['Connection', 'close'] : []),
    ],
  }
  carryToOne(running.pool, carriage, (status, cause) =>
    say(
      running,
      request,
      response,
      // In the middle of an upload: it is in the log, and the upstream has not the whole of it.
      isSpent(cause) ? refusalOf(running, cause) : unavailable(running, status, cause),
    ),
  )
}

/** RFC 6455: let in like every request, and then carried until either side, or the lease, ends. */
async function switchProtocols(
  running: Running,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const { tools, settings, connections, pool, gate, switched } = running
  // An answer that is still due on this connection would land within what is carried.
  if (!connections.mayAnswer(socket) || connections.isSpoilt(socket)) {
    socket.destroy()
    return
  }
  // Whatever becomes of it: no other request can follow on this connection.
  connections.spoil(socket)
  const read = readAsked(request, true)
  if ('unfit' in read) {
    endWith(socket, await unfit(running, socket, read.status, read.unfit))
    return
  }
  const { signIn } = running
  const passed = signIn === undefined ? { asked: read } : await passDoor(running, signIn, request, read)
  if ('answer' in passed) {
    endWith(socket, passed.answer)
    return
  }
  const { asked } = passed
  const fault = handshakeFault(request)
  if (fault !== undefined) {
    endWith(socket, await unfit(running, socket, 400, fault))
    return
  }
  const admitted = await admit(running, request, asked)
  if (socket.destroyed) return
  if ('status' in admitted) {
    endWith(socket, admitted)
    return
  }
  if (admitted.body !== undefined) {
    const bodiless = new Failure('scope_refused', {
      reason: 'the policy asks for a body, and this request has none',
    })
    const ask = { route: settings.name, target: settings.target, action: `GET ${asked.path}` }
    endWith(socket, refusalOf(running, await gate.refuse(admitted, ask, bodiless)))
    return
  }
  const approved = await wanted(running, request, socket, asked, admitted)
  if (approved !== undefined && 'status' in approved) {
    endWith(socket, approved)
    return
  }
  const meter = await charged(running, request, asked, admitted)
  if (meter !== undefined && 'status' in meter) {
    endWith(socket, meter)
    return
  }
  const recorded = mustRecord(running) ? await record(running, request, asked, admitted) : undefined
  if (recorded !== undefined && 'status' in recorded) {
    endWith(socket, recorded)
    return
  }
  const injectedAt = await leaseInjected(running, admitted, request, asked)
  if (injectedAt !== undefined && 'status' in injectedAt) {
    endWith(socket, injectedAt)
    return
  }
  carryWebSocketToOne(pool, {
    ...(injectedAt === undefined ? {} : { injectedAt }),
    ...recorded,
    ...{ tools, gate, request, socket, head, asked, admitted, switched },
    ...(meter?.flows ? { meter } : {}),
    ...asserted(running, admitted),
    unavailable: (status, cause) => unavailable(running, status, cause),
  })
}

/** In the log before anybody hears of it, where the lease gives nothing to put in. */
async function leaseInjected(
  running: Running,
  admitted: Admitted,
  request: IncomingMessage,
  asked: Asked,
  body?: Buffer,
): Promise<InjectedAt | Problem | undefined> {
  const { settings, gate } = running
  try {
    return await injectedByLease(running, admitted, request, asked, body)
  } catch (thrown) {
    const ask = { route: settings.name, target: settings.target, action: `${request.method} ${asked.path}` }
    return refusalOf(running, await gate.refuse(admitted, ask, asFailure(thrown)))
  }
}

function unavailable({ tools, settings }: Running, status: 502 | 504, cause: unknown): Problem {
  const id = newId('er', tools)
  tools.log.warn('the upstream did not answer', { route: settings.name, error_id: id, status, cause })
  // A connector that is not there is no answer of the upstream, and comes back.
  if (cause instanceof Failure && cause.code === 'provider_unavailable') return bearerProblem(cause, id)
  const detail = status === 504 ? 'The upstream took too long.' : 'The upstream is not available.'
  return problem(status, detail, id)
}
