/** WebSocket (RFC 6455): the handshake is a request like others; once it is answered, bytes go both ways until either ends. */
import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Duplex, pipeline } from 'node:stream'
import type { Tools } from '../../../base/tools.ts'
import type { Problem } from '../../bearer-error.ts'
import type { Admitted, Answered, Gate, Meter } from '../../route.ts'
import { watchLease } from '../../watch.ts'
import type { Asked } from './asked.ts'
import type { Upstream } from './carriage.ts'
import { sentOn } from './dialled.ts'
import { fieldsForCaller, fieldsForUpstream, hasBody, valuesOf } from './fields.ts'
import type { InjectedAt } from './injected.ts'
import { metered } from './metered.ts'
import { endWith } from './unreadable.ts'

/** An admitted handshake on its way. */
export interface Handshake {
  readonly upstream: Upstream
  readonly tools: Pick<Tools, 'after' | 'log'>
  readonly gate: Gate
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** What the caller sent behind its handshake. */
  readonly head: Buffer
  readonly asked: Asked
  readonly admitted: Admitted
  /** Where whoever closes the route finds what switched. */
  readonly switched: Set<Duplex>
  /** What the lease made there. */
  readonly injectedAt?: InjectedAt
  /** Who asks, signed for the upstream. */
  readonly assertion?: string
  /** Where the job has a budget for what flows. */
  readonly meter?: Meter
  /** Where the handshake is recorded: to be told once its connection is over. */
  readonly answered?: Answered
  /** Whether it goes to another place, which none of it reached; `false`: there is none. */
  readonly elsewhere?: (upstream: Upstream, cause: unknown) => boolean
  /** What to answer while nothing was. */
  readonly unavailable: (status: 502 | 504, cause: unknown) => Problem
}

/** Whether a request asks for this protocol and no other; whatever else it asks for is refused as an upgrade. */
export function isWebSocket({ method, httpVersion, rawHeaders }: IncomingMessage): boolean {
  const [protocol, ...others] = valuesOf(rawHeaders, 'upgrade')
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    others.length === 0 &&
    protocol?.toLowerCase() === 'websocket' &&
    !hasBody(rawHeaders)
  )
}

/** What is wrong with a handshake (RFC 6455 4.2.1); `undefined` = nothing. */
export function handshakeFault({ rawHeaders }: IncomingMessage): string | undefined {
  const [key, ...keys] = valuesOf(rawHeaders, 'sec-websocket-key')
  const [version, ...versions] = valuesOf(rawHeaders, 'sec-websocket-version')
  if (key === undefined || keys.length > 0 || !/^[A-Za-z0-9+/]{22}==$/.test(key))
    return 'Sec-WebSocket-Key must be 16 bytes in base64.'
  return version === '13' && versions.length === 0 ? undefined : 'Sec-WebSocket-Version must be 13.'
}

/** Carries it. Every way it can end answers the caller or ends its connection; nothing throws. */
export function carryWebSocket(handshake: Handshake): void {
  const { upstream, request, socket, asked, admitted, injectedAt, unavailable } = handshake
  // Both ways, each end hears of the other; over TLS the server listens too.
  socket.setMaxListeners(30)
  const { origin, agent, idleMs } = upstream
  const open = origin.protocol === 'https:' ? httpsRequest : httpRequest
  const fields = fieldsForUpstream({
    received: request.rawHeaders,
    method: 'GET',
    admitted,
    remoteAddress: request.socket.remoteAddress ?? 'unknown',
    host: asked.host,
    upstreamHost: origin.host,
    httpVersion: request.httpVersion,
    scheme: upstream.scheme,
    ownCookies: upstream.ownCookies,
    injected: injectedAt === undefined ? upstream.injected : injectedAt(origin),
    assertion: handshake.assertion,
  })
  const headers = [...fields, 'Connection', 'Upgrade', 'Upgrade', 'websocket']
  const onward = open(origin, {
    agent,
    method: 'GET',
    path: asked.path + asked.query,
    timeout: idleMs,
    headers,
  })
  const isSent = sentOn(onward)
  let status: number | undefined
  const gone = () => {
    onward.destroy()
    handshake.answered?.(status === undefined ? { cut: true } : { status })
  }
  socket.once('close', gone)
  let late = false
  onward.on('timeout', () => {
    late = true
    onward.destroy(new Error('nothing moved'))
  })
  onward.on('error', (cause) => {
    if (!(socket.destroyed || isSent())) {
      socket.off('close', gone)
      if (handshake.elsewhere?.(upstream, cause) === true) return
      socket.once('close', gone)
    }
    status = late ? 504 : 502
    if (!socket.destroyed) endWith(socket, unavailable(late ? 504 : 502, cause))
  })
  onward.on('response', (answer) => {
    status = answer.statusCode ?? 502
    giveBack(socket, answer, upstream.ownCookies)
  })
  onward.on('upgrade', (answer, far, first) => {
    socket.off('close', gone)
    join(handshake, answer, far, first)
  })
  onward.end()
}

/** The upstream did not switch: its answer is the caller's, and the end of the connection is the end of it. */
function giveBack(socket: Duplex, answer: IncomingMessage, ownCookies = false): void {
  const last = ['Connection', 'close']
  const fields = fieldsForCaller(answer.rawHeaders, answer.httpVersion, last, ownCookies)
  socket.write(headOf(answer.statusCode ?? 502, fields))
  pipeline(answer, socket, () => socket.destroy())
}

function join(handshake: Handshake, answer: IncomingMessage, far: Duplex, first: Buffer): void {
  const { socket, head, switched, gate, admitted, tools, upstream } = handshake
  if (socket.destroyed) {
    far.destroy()
    handshake.answered?.({ cut: true })
    return
  }
  const fields = fieldsForCaller(
    answer.rawHeaders,
    answer.httpVersion,
    ['Connection', 'Upgrade', 'Upgrade', 'websocket'],
    upstream.ownCookies,
  )
  socket.write(headOf(101, fields))
  far.setMaxListeners(30)
  const { meter } = handshake
  if (first.length > 0) far.unshift(first)
  if (head.length > 0) socket.unshift(head)
  for (const side of [socket, far]) {
    switched.add(side)
    side.once('close', () => switched.delete(side))
    if ('setTimeout' in side && typeof side.setTimeout === 'function')
      side.setTimeout(upstream.idleMs, () => socket.destroy())
  }
  const counted = () => (meter === undefined ? [] : [metered(meter)])
  pipeline([far, ...counted(), socket], () => socket.destroy())
  pipeline([socket, ...counted(), far], () => far.destroy())
  watchLease(gate, admitted, socket, tools, () => handshake.answered?.({ status: 101 }))
}

function headOf(status: number, fields: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`]
  for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
