/**
 * http: the doors. It turns requests into calls of what is behind `Doors` and answers into bytes; limits, routing
 * and the wording of refusals are its own. It never verifies, decides or keeps anything. `broker.ts` opens it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as ListeningServer } from 'node:net'
import { Failure } from '../base/failure.ts'
import { listenOn } from '../base/listening.ts'
import { openPipeline, type Pipeline } from '../base/pipeline.ts'
import type { Tools } from '../base/tools.ts'
import { type Admission, openAdmission } from './admission.ts'
import { type Answer, json } from './answer.ts'
import { type BodyRoom, readBody } from './body.ts'
import type { DoorRow } from './door-row.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'
import { restrained } from './restrained.ts'
import { type Found, openRouter, type Router } from './routing.ts'
import { switches, switchProtocols } from './upgrading.ts'

export interface Listening {
  readonly url: string
  /** From now on `/readyz` says 503, so that load balancers look elsewhere; everything still works. */
  drain(): void
  /** Stops accepting, lets what runs finish within `graceMs`, then cuts. */
  close(graceMs: number): Promise<void>
}

export interface DoorLimits {
  readonly connections: number
  /** False: callers on loopback are callers like others, and no reverse proxy. */
  readonly proxyOnLoopback: boolean
  readonly headersMs: number
  readonly requestMs: number
  readonly keepAliveMs: number
}

/** Keep-alive is longer than the 60 s of common load balancers, which must be the first to close. */
const usual: DoorLimits = {
  connections: 8192,
  proxyOnLoopback: true,
  headersMs: 10_000,
  requestMs: 20_000,
  keepAliveMs: 75_000,
}

/** The part of all connections that one address may hold. */
const addressShare = 1 / 8
/** That there were too many is said so often at most. */
const saidMs = 60_000

/** Bytes of all bodies that are being read. */
const bodiesAtOnce = 67_108_864

export interface DoorOptions {
  readonly host: string
  readonly port: number
  readonly limits?: Partial<DoorLimits>
}

interface Running {
  readonly doors: Doors
  readonly route: Router
  readonly pipeline: Pipeline
  readonly room: BodyRoom
  /** Ends of what was not delivered, which are still being written. */
  readonly ending: Set<Promise<void>>
  draining: boolean
  closing: boolean
}

/** Opens every door on one address. Rejects when the address is taken. */
export async function openDoors(doors: Doors, options: DoorOptions): Promise<Listening> {
  const running: Running = {
    doors: restrained(doors),
    route: openRouter(doors),
    pipeline: openPipeline(),
    room: { held: 0, most: bodiesAtOnce },
    ending: new Set(),
    draining: false,
    closing: false,
  }
  const server = openServer(running, { ...usual, ...options.limits })
  const url = await listenOn(server, options, '`listen`')
  return {
    url,
    drain() {
      running.draining = true
    },
    close: (graceMs) => closeServer(server, running, graceMs),
  }
}

function openServer(running: Running, limits: DoorLimits): Server {
  const admission = openAdmission({ ...limits, share: addressShare })
  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMs),
      noDelay: true,
      shouldUpgradeCallback: (request) => !running.closing && switches(running.route, request),
    },
    (request, response) => {
      const { socket } = request
      admission.began(socket)
      response.once('close', () => admission.ended(socket))
      const welcome = running.pipeline(socket, () => respond(running, request, response))
      if (!welcome) socket.destroy()
    },
  )
  server.on(
    'upgrade',
    (request, socket, head) => void switchProtocols(running.doors, running.route, request, socket, head),
  )
  admitConnections(server, admission, running.doors.tools)
  return server
}

/** Instead of Node's own limit, which refuses whoever comes last, and lets one caller be all of those before. */
function admitConnections(server: Server, admission: Admission, tools: Tools): void {
  let saidAt = Number.NEGATIVE_INFINITY
  server.on('connection', (socket) => {
    // Without an address it is gone already.
    if (socket.remoteAddress !== undefined && admission.admit(socket, socket.remoteAddress)) {
      socket.once('close', () => admission.left(socket))
      return
    }
    socket.destroy()
    if (tools.now() - saidAt < saidMs) return
    saidAt = tools.now()
    tools.log.warn('too many connections: new ones are refused', { remote: socket.remoteAddress })
  })
}

function closeServer(server: Server, running: Running, graceMs: number): Promise<void> {
  running.draining = true
  running.closing = true
  return new Promise((resolve) => {
    const cancel = running.doors.tools.after(graceMs, () => server.closeAllConnections())
    // An HTTP server's own `close` also resets idle connections, and with them requests that were sent and not yet
    // read. So: stop listening, read what has arrived, then close what is idle.
    ListeningServer.prototype.close.call(server, () => {
      cancel()
      // Whoever was cut just now has its lease ended before the store goes away.
      setImmediate(() => void Promise.all(running.ending).then(() => resolve()))
    })
    setImmediate(() => setImmediate(() => server.close(() => {})))
  })
}

async function respond(running: Running, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const { doors } = running
  const begun = doors.tools.now()
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const found = running.route(request.method ?? '', mark === -1 ? url : url.slice(0, mark))
  const row = found !== undefined && 'row' in found ? found.row : undefined
  try {
    const answer =
      row === undefined
        ? nowhere(found)
        : await open(running, row, request, mark === -1 ? '' : url.slice(mark + 1))
    deliver(running, response, answer)
    doors.observe?.(row?.name ?? 'none', answer.status, doors.tools.now() - begun)
  } catch (cause) {
    // A caller that went away before the end of its request gets here: there is nobody to answer.
    doors.tools.log.debug('a request was cut', { door: row?.name, cause })
    response.destroy()
  }
}

function nowhere(found: Found | undefined): Answer {
  if (found === undefined || 'row' in found) return json(404, { error: 'not_found' })
  const { headers, ...rest } = json(405, { error: 'method_not_allowed' })
  return { ...rest, headers: [...headers, 'Allow', found.allow] }
}

async function open(
  running: Running,
  row: DoorRow,
  request: IncomingMessage,
  query: string,
): Promise<Answer> {
  const { doors } = running
  const early = row.unread === undefined ? undefined : await row.unread(request.headers, doors)
  if (early !== undefined) return early
  const body = row.method !== 'GET' ? await readBody(request, row.bodyLimit, running.room) : nothing
  if (typeof body === 'string') {
    const code = body === 'busy' ? 'provider_unavailable' : 'request_too_large'
    const answer = (row.refuse ?? refuse)(new Failure(code), doors.tools)
    return body !== 'too_large' ? { ...answer, headers: [...answer.headers, 'Connection', 'close'] } : answer
  }
  try {
    return await row.answer({ headers: request.headers, query, body }, doors, running)
  } catch (thrown) {
    return (row.refuse ?? refuse)(thrown, doors.tools)
  }
}

const nothing = Buffer.alloc(0)

/** A caller that has not got all of an answer has not got what was in it, as far as anybody can know. */
function deliver(running: Running, response: ServerResponse, answer: Answer): void {
  const { dropped } = answer
  if (dropped !== undefined) {
    const lost = (): void => {
      if (response.writableFinished) return
      const ending = dropped()
        .catch((cause: unknown) =>
          running.doors.tools.log.error('what was not delivered could not be ended', { cause }),
        )
        .finally(() => running.ending.delete(ending))
      running.ending.add(ending)
    }
    if (response.destroyed) lost()
    else response.once('close', lost)
  }
  if (!response.destroyed) write(running, response, answer)
}

function write(running: Running, response: ServerResponse, answer: Answer): void {
  const { status, body } = answer
  const headers = [...answer.headers]
  if (status !== 304) headers.push('Content-Length', String(Buffer.byteLength(body)))
  // Node closes idle connections itself; those at work are told that this answer is their last.
  if (running.closing) headers.push('Connection', 'close')
  response.writeHead(status, headers)
  response.end(body)
}
