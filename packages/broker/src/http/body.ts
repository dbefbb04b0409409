import type { IncomingMessage } from 'node:http'

/**
 * A whole body; `too_large` and read to its end; or `endless` or `busy`, when the connection must go as well.
 */
export type Body = Buffer | 'too_large' | 'endless' | 'busy'

/** Bytes that bodies which are still being read hold together, and how many they may. */
export interface BodyRoom {
  held: number
  readonly most: number
}

/** A body above the limit is still read up to here, so that its sender gets to read the answer. */
export const patience = 1_048_576

const smallest = 1024
const empty = Buffer.alloc(0)

/**
 * Reads a body of at most `limit` bytes. Rejects when the caller goes away before its end. A body that comes in
 * parts is copied: each part is a view of a block of the parser, and a byte would keep its 64 KiB.
 */
export function readBody(request: IncomingMessage, limit: number, room: BodyRoom): Promise<Body> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > patience) return Promise.resolve('endless')
  const growing = new Growing(room, limit)
  return new Promise<Body>((resolve, reject) => {
    let whole: Buffer | undefined
    let size = 0
    let settled = false
    const settle = (body: Body) => {
      settled = true
      growing.drop()
      resolve(body)
    }
    const cut = (cause: unknown) => {
      growing.drop()
      reject(cause)
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > patience) settle('endless')
      else if (size > limit) growing.drop()
      else if (chunk.length === declared) whole = chunk
      else if (!growing.add(chunk)) settle('busy')
    })
    request.on('end', () => settle(size > limit ? 'too_large' : (whole ?? growing.bytes())))
    // Also when the caller goes away before the end of its request.
    request.on('error', cut)
    // Every request closes; an error with its stack is made only where it says something.
    request.on('close', () => {
      if (!settled) cut(new Error('the request was cut'))
    })
  })
}

/** One buffer that doubles up to a limit and counts itself in the room of all. */
class Growing {
  readonly #room: BodyRoom
  readonly #limit: number
  #buffer = empty
  #size = 0
  #dropped = false

  constructor(room: BodyRoom, limit: number) {
    this.#room = room
    this.#limit = limit
  }

  /** False when there is no room; the chunk is not kept then. */
  add(chunk: Buffer): boolean {
    if (this.#dropped) return true
    const needed = this.#size + chunk.length
    if (needed > this.#buffer.length) {
      const length = Math.max(needed, Math.min(this.#limit, Math.max(smallest, this.#buffer.length * 2)))
      const more = length - this.#buffer.length
      if (this.#room.held + more > this.#room.most) return false
      this.#room.held += more
      const larger = Buffer.allocUnsafeSlow(length)
      this.#buffer.copy(larger, 0, 0, this.#size)
      this.#buffer = larger
    }
    chunk.copy(this.#buffer, this.#size)
    this.#size = needed
    return true
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  /** Gives the room back. */
  drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    this.#room.held -= this.#buffer.length
    this.#buffer = empty
  }
}
