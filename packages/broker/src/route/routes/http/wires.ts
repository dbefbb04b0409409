import { connect } from 'node:net'
import { type After, Wire } from './wire.ts'

const mostIdle = 256

/** The connections of one upstream. */
export class Wires {
  readonly #free: Wire[] = []
  readonly #all = new Set<Wire>()
  readonly #place: { readonly host: string; readonly port: number }
  readonly #idleMs: number
  #skip = 0
  #nextSkip = 1

  constructor(origin: URL, idleMs: number) {
    const host = origin.hostname.replace(/^\[(.*)\]$/, '$1')
    this.#place = { host, port: Number(origin.port === '' ? 80 : origin.port) }
    this.#idleMs = idleMs
  }

  /**
   * Whether the next answer is likely plain. An upstream whose answers are not, such as one that always sends chunks,
   * is tried again ever more seldom: each such answer costs a connection.
   */
  isPlain(): boolean {
    if (this.#skip === 0) return true
    this.#skip--
    return false
  }

  /** One that is idle, the one used last first: the others end by themselves. */
  take(): Wire {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const socket = connect({ ...this.#place, noDelay: true })
    const wire: Wire = new Wire(socket, this.#idleMs, (what) => this.#after(wire, what))
    this.#all.add(wire)
    return wire
  }

  #after(wire: Wire, what: After): void {
    if (what === 'free' && this.#free.length < mostIdle) {
      this.#free.push(wire)
      this.#nextSkip = Math.max(1, this.#nextSkip - 1)
      return
    }
    this.#all.delete(wire)
    const at = this.#free.indexOf(wire)
    if (at !== -1) this.#free.splice(at, 1)
    if (what === 'free') wire.destroy()
    if (what !== 'handed over') return
    this.#skip = this.#nextSkip
    this.#nextSkip = Math.min(1024, this.#nextSkip * 2)
  }

  /** Cuts them all. */
  destroy(): void {
    for (const wire of this.#all) wire.destroy()
  }
}
