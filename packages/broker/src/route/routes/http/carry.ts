/** One admitted request to the upstream and its answer back, as streams both ways. */
import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream'
import type { Admitted } from '../../route.ts'
import type { Asked } from './asked.ts'
import { fieldsForCaller, fieldsForUpstream, hasBody } from './fields.ts'

export interface Upstream {
  readonly origin: URL
  readonly agent: Agent
  readonly idleMs: number
}

export interface Carriage {
  readonly upstream: Upstream
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly asked: Asked
  readonly admitted: Admitted
  /** Extra fields of the answer, such as `Connection: close` while the route closes. */
  readonly extra: () => readonly string[]
  /** Called at most once, and only while nothing was answered. */
  readonly failed: (status: 502 | 504, cause: unknown) => void
}

class Idle extends Error {}

/** Carries it. Every way it can end is answered or cuts the caller's connection; nothing throws. */
export function carry(carriage: Carriage): void {
  attempt(carriage, isRepeatable(carriage.request))
}

/** RFC 9112 9.3.1: an idle connection may close just as we use it; only what changes nothing is sent again. */
function isRepeatable(request: IncomingMessage): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '') && !hasBody(request.rawHeaders)
}

function attempt(carriage: Carriage, mayRepeat: boolean): void {
  const { request, response, failed } = carriage
  let onward: ClientRequest
  try {
    onward = send(carriage)
  } catch (cause) {
    failed(502, cause)
    return
  }
  let answered = false
  const gone = () => {
    if (!response.writableFinished) onward.destroy()
  }
  response.once('close', gone)
  onward.on('timeout', () => onward.destroy(new Idle('nothing moved')))
  onward.on('response', (answer) => {
    answered = true
    giveBack(carriage, answer)
  })
  onward.on('error', (cause) => {
    response.off('close', gone)
    request.unpipe(onward)
    if (answered || response.headersSent) {
      // Cut short, a body must not look complete: the caller's connection goes with it (RFC 9112 8).
      if (!response.writableFinished) response.destroy()
    } else if (response.destroyed) {
      // The caller went away first; there is nobody to tell.
    } else if (mayRepeat && onward.reusedSocket && !(cause instanceof Idle)) attempt(carriage, false)
    else failed(cause instanceof Idle ? 504 : 502, cause)
  })
  if (hasBody(request.rawHeaders)) {
    request.pipe(onward)
  } else {
    onward.end()
  }
}

function send({ upstream, request, asked, admitted }: Carriage): ClientRequest {
  const { origin, agent, idleMs } = upstream
  const open = origin.protocol === 'https:' ? httpsRequest : httpRequest
  const method = request.method ?? 'GET'
  return open(origin, {
    agent,
    method,
    path: asked.path + asked.query,
    timeout: idleMs,
    headers: fieldsForUpstream({
      received: request.rawHeaders,
      method,
      admitted,
      remoteAddress: request.socket.remoteAddress ?? 'unknown',
      host: asked.host,
      upstreamHost: origin.host,
      httpVersion: request.httpVersion,
    }),
  })
}

function giveBack({ request, response, extra }: Carriage, answer: IncomingMessage): void {
  const fields = [...fieldsForCaller(answer.rawHeaders, answer.httpVersion), ...extra()]
  // What is left of an upload that the upstream did not want cannot be told from a next request.
  if (!request.complete && hasBody(request.rawHeaders)) {
    response.shouldKeepAlive = false
  }
  try {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', fields)
  } catch {
    answer.destroy()
    response.destroy()
    return
  }
  response.flushHeaders()
  // Carries back-pressure, destroys the upstream's side when the caller goes and the caller's when it breaks.
  pipeline(answer, response, () => {})
}
