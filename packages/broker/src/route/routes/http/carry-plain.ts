/** A request that may be repeated, carried on a connection of ours: what most calls of an API are, and no more. */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { PlainHead } from './answer-head.ts'
import { inBurst } from './burst.ts'
import type { Carriage } from './carriage.ts'
import { fieldsForCaller, fieldsForUpstream } from './fields.ts'
import { receivedVersion } from './received-version.ts'
import { sendHead } from './send-head.ts'
import { Idle, type Receiver, type Wire } from './wire.ts'
import type { Wires } from './wires.ts'

/** How it goes on where no plain answer came. */
export interface Otherwise {
  /** Node's client reads the answer. */
  readonly handOver: (connection: Duplex) => void
  /** The request is sent once more, by Node's client: an idle connection closed just as it was used. */
  readonly repeat: () => void
}

/** Carries it. Every way it can end is answered or cuts the caller's connection; nothing throws. */
export function carryPlain(carriage: Carriage, wires: Wires, otherwise: Otherwise): void {
  const head = headOf(carriage)
  if (head === undefined) {
    carriage.failed(502, new Error('a field holds what none may'))
    return
  }
  const wire = wires.take()
  const plain = new Plain(carriage, wire, otherwise)
  carriage.response.once('close', plain.gone)
  wire.send(head, carriage.request.method === 'HEAD', plain)
}

class Plain implements Receiver {
  readonly #carriage: Carriage
  readonly #wire: Wire
  readonly #wasUsed: boolean
  readonly #otherwise: Otherwise
  #isOver = false

  constructor(carriage: Carriage, wire: Wire, otherwise: Otherwise) {
    this.#carriage = carriage
    this.#wire = wire
    this.#wasUsed = wire.isUsed
    this.#otherwise = otherwise
  }

  /** The caller went away, or has everything. */
  readonly gone = (): void => {
    if (!this.#isOver) this.#wire.destroy()
    this.#isOver = true
  }

  answer(head: PlainHead, piece: Buffer, isWhole: boolean): void {
    const { response, extra, count, upstream } = this.#carriage
    this.#isOver = isWhole
    count?.(piece.length)
    if (response.destroyed) return
    try {
      response.writeHead(
        head.status,
        head.message,
        fieldsForCaller(head.fields, '1.1', extra(), upstream.ownCookies),
      )
    } catch {
      response.destroy()
      return
    }
    if (isWhole) inBurst(() => endWith(response, piece))
    else this.#write(piece)
  }

  more(piece: Buffer, isWhole: boolean): void {
    this.#isOver = isWhole
    this.#carriage.count?.(piece.length)
    if (isWhole) this.#carriage.response.end(piece)
    else this.#write(piece)
  }

  handOver(connection: Duplex): void {
    this.#end()
    this.#otherwise.handOver(connection)
  }

  broke(cause: unknown, answered: boolean): void {
    const { response, failed } = this.#carriage
    this.#end()
    // Cut short, a body must not look complete: the caller's connection goes with it (RFC 9112 8).
    if (answered) response.destroy()
    else if (response.destroyed) return
    else if (cause instanceof Idle) failed(504, cause)
    else if (this.#wasUsed) this.#otherwise.repeat()
    else failed(502, cause)
  }

  #end(): void {
    this.#isOver = true
    this.#carriage.response.off('close', this.gone)
  }

  #write(piece: Buffer): void {
    const { response } = this.#carriage
    // The head goes out at once, also where nothing of the body is there.
    if (piece.length === 0) sendHead(response)
    else if (!response.write(piece)) {
      this.#wire.pause()
      response.once('drain', () => {
        if (!this.#isOver) this.#wire.resume()
      })
    }
  }
}

/** Short ones as a text: Node then writes head and body in one piece. Latin-1 gives each octet back as it was. */
function endWith(response: ServerResponse, body: Buffer): void {
  if (response.destroyed) return
  if (body.length > 0 && body.length <= 8192) response.end(body.toString('latin1'), 'latin1')
  else response.end(body)
}

/** As it is sent, with its empty line; `undefined` where a value could end its line. */
function headOf({ upstream, request, asked, admitted, assertion, injectedAt }: Carriage): string | undefined {
  const method = request.method ?? 'GET'
  const fields = fieldsForUpstream({
    received: request.rawHeaders,
    method,
    admitted,
    remoteAddress: request.socket.remoteAddress ?? 'unknown',
    host: asked.host,
    upstreamHost: upstream.origin.host,
    httpVersion: receivedVersion(request),
    scheme: upstream.scheme,
    ownCookies: upstream.ownCookies,
    injected: injectedAt === undefined ? upstream.injected : injectedAt(upstream.origin),
    assertion,
  })
  let head = `${method} ${asked.path}${asked.query} HTTP/1.1\r\n`
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = fields[at + 1] ?? ''
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return undefined
    head += `${fields[at]}: ${value}\r\n`
  }
  return `${head}Connection: keep-alive\r\n\r\n`
}
