/** One admitted request to the upstream and its answer back, as streams both ways. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Duplex, pipeline } from 'node:stream'
import type { Carriage } from './carriage.ts'
import { carryPlain } from './carry-plain.ts'
import { sentOn } from './dialled.ts'
import { fieldsForCaller, fieldsForUpstream, hasBody } from './fields.ts'
import { metered } from './metered.ts'
import { receivedVersion } from './received-version.ts'
import { sendHead } from './send-head.ts'
import { readsTrailers, trailersOnward } from './trailers.ts'
import { drain, upload } from './upload.ts'
import { Idle } from './wire.ts'

class Switched extends Error {}

/** Carries it. Every way it can end is answered or cuts the caller's connection; nothing throws. */
export function carry(carriage: Carriage): void {
  const { wires } = carriage.upstream
  const mayRepeat = isRepeatable(carriage.request)
  // Node's agent heeds how long the upstream keeps a connection; what may be repeated need not.
  const isPlain = mayRepeat && carriage.body === undefined && carriage.meter === undefined
  if (wires === undefined || !isPlain || !wires.isPlain()) {
    attempt(carriage, mayRepeat)
    return
  }
  carryPlain(carriage, wires, {
    repeat: () => attempt(carriage, false),
    handOver: (connection) => attempt(carriage, false, connection),
  })
}

/** RFC 9112 9.3.1: an idle connection may close just as we use it; only what changes nothing is sent again. */
function isRepeatable(request: IncomingMessage): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '') && !hasBody(request.rawHeaders)
}

/** `connection`: one on which the request was sent already. */
function attempt(carriage: Carriage, mayRepeat: boolean, connection?: Duplex): void {
  const { request, response, failed } = carriage
  let onward: ClientRequest
  try {
    onward = send(carriage, connection)
  } catch (cause) {
    failed(502, cause)
    return
  }
  const isSent = sentOn(onward)
  let stop = () => {}
  let answer: IncomingMessage | undefined
  const gone = () => {
    if (!response.writableFinished) onward.destroy()
  }
  response.once('close', gone)
  onward.on('timeout', () => onward.destroy(new Idle('nothing moved')))
  onward.on('response', (received) => {
    answer = received
    giveBack(carriage, onward, answer, () => stop())
  })
  const broke = (cause: unknown) => {
    response.off('close', gone)
    stop()
    if (answer !== undefined || response.headersSent) {
      // Cut short, a body must not look complete: the caller's connection goes with it (RFC 9112 8).
      if (answer?.complete !== true) response.destroy()
    } else if (response.destroyed) {
      // The caller went away first; there is nobody to tell.
    } else if (mayRepeat && onward.reusedSocket && !(cause instanceof Idle || cause instanceof Switched)) {
      attempt(carriage, false)
    } else failed(cause instanceof Idle ? 504 : 502, cause, !isSent())
  }
  onward.on('error', broke)
  // Nobody asked for another protocol (RFC 9110 7.8): nothing that such a connection says is an answer.
  onward.on('upgrade', (_, socket) => {
    onward.off('error', broke).on('error', () => {})
    socket.destroy()
    broke(new Switched('the upstream switched protocols'))
  })
  if (carriage.body !== undefined) onward.end(carriage.body)
  else if (hasBody(request.rawHeaders))
    stop = upload(request, onward, carriage.meter, carriage.upstream.injected?.hides)
  else onward.end()
}

function send(
  { upstream, request, asked, admitted, assertion, injectedAt }: Carriage,
  connection?: Duplex,
): ClientRequest {
  const { origin, agent, idleMs } = upstream
  const open = origin.protocol === 'https:' ? httpsRequest : httpRequest
  const method = request.method ?? 'GET'
  return open(origin, {
    ...(connection === undefined ? { agent } : { createConnection: () => connection }),
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
      httpVersion: receivedVersion(request),
      scheme: upstream.scheme,
      ownCookies: upstream.ownCookies,
      injected: injectedAt === undefined ? upstream.injected : injectedAt(origin),
      assertion,
    }),
  })
}

function giveBack(
  carriage: Carriage,
  onward: ClientRequest,
  answer: IncomingMessage,
  stop: () => void,
): void {
  const { request, response, tools, extra, count } = carriage
  const status = answer.statusCode ?? 502
  try {
    const fields = fieldsForCaller(
      answer.rawHeaders,
      answer.httpVersion,
      extra(),
      carriage.upstream.ownCookies,
    )
    response.writeHead(status, answer.statusMessage ?? '', fields)
  } catch {
    answer.destroy()
    response.destroy()
    return
  }
  sendHead(response)
  const isUploading = () => !request.complete && hasBody(request.rawHeaders)
  const abandon = () => {
    stop()
    drain(request, tools)
  }
  // RFC 9112 9.5: an upload that was refused is not sent to its end.
  const refused = status >= 400 && isUploading()
  if (refused) abandon()
  if (readsTrailers(request.rawHeaders))
    answer.once('end', () => {
      const trailers = trailersOnward(answer.rawTrailers)
      if (trailers.length > 0 && !response.destroyed) response.addTrailers(trailers)
    })
  if (count !== undefined) answer.on('data', (piece: Buffer) => count(piece.length))
  // Carries back-pressure, destroys the upstream's side when the caller goes and the caller's when it breaks.
  const counted = carriage.meter === undefined ? [] : [metered(carriage.meter)]
  pipeline([answer, ...counted, response], () => {
    if (!refused && isUploading()) abandon()
    // What it did not read cannot be told from a next request.
    if (!onward.writableFinished) onward.destroy()
  })
}
