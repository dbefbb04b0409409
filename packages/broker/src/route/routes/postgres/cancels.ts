import type { Tools } from '../../../base/tools.ts'
import type { Place } from './upstream.ts'

interface Known {
  readonly place: Place
  readonly key: Buffer
}

/**
 * Who may stop what: keys of our own for those of the server, which no caller sees. A key is good for its session's
 * statements alone and ends with the session.
 */
export class Cancels {
  readonly #known = new Map<string, Known>()
  readonly #tools: Pick<Tools, 'randomBytes'>

  constructor(tools: Pick<Tools, 'randomBytes'>) {
    this.#tools = tools
  }

  /** Eight bytes: what a caller knows as the number of its process and its secret. */
  add(place: Place, key: Buffer): Buffer {
    const ours = Buffer.from(this.#tools.randomBytes(8))
    // Some clients read the number of the process as signed, and print it.
    ours[0] = (ours[0] ?? 0) & 0x7f
    this.#known.set(ours.toString('hex'), { place, key })
    return ours
  }

  find(key: string): Known | undefined {
    return this.#known.get(key)
  }

  delete(ours: Buffer): void {
    this.#known.delete(ours.toString('hex'))
  }
}
