/** What is going on on each caller's connection: how much is asked at once, and whether it may still be answered. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Requests that one connection may have waiting. Node reads pipelined ones as fast as they come. */
const pipelined = 8

interface Pending {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export class Connections {
  readonly #limit: number
  readonly #pending = new WeakMap<Duplex, Set<Pending>>()
  readonly #spoilt = new WeakSet<Duplex>()
  #inAll = 0

  /** `limit`: requests that may be pending on all connections together. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * `undefined` when the request is not to be read: its connection is spoilt, or more is asked at once than anybody needs.
   * Then the connection is cut, so that a flood waits in the network and not in our memory. Otherwise what to call, once, when
   * the response has closed.
   */
  take(request: IncomingMessage, response: ServerResponse): (() => void) | undefined {
    const { socket } = request
    if (this.#spoilt.has(socket)) return undefined
    const pending = this.#pending.get(socket) ?? new Set()
    if (pending.size >= pipelined || this.#inAll >= this.#limit) {
      this.spoil(socket)
      socket.destroy()
      return undefined
    }
    const each = { request, response }
    this.#pending.set(socket, pending.add(each))
    this.#inAll++
    return () => {
      pending.delete(each)
      this.#inAll--
    }
  }

  /** Nothing more is read on it: what follows an unfit request may be part of it (RFC 9112 11.2). */
  spoil(socket: Duplex): void {
    this.#spoilt.add(socket)
  }

  isSpoilt(socket: Duplex): boolean {
    return this.#spoilt.has(socket)
  }

  /**
   * True when bytes written to the socket now are read as the answer to what could not be read: nothing else is
   * pending, or only the request that broke off. Otherwise they would be taken for, or land within, another answer.
   */
  mayAnswer(socket: Duplex): boolean {
    const pending = [...(this.#pending.get(socket) ?? [])]
    const [only] = pending
    if (only === undefined) return true
    return pending.length === 1 && !only.request.complete && !only.response.headersSent
  }
}
