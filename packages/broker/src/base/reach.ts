import { Duplex } from 'node:stream'
import type { Failure } from './failure.ts'

/** Where something listens, as a route names it. */
export interface Reachable {
  readonly host: string
  readonly port: number
}

/** The way to an upstream that we cannot dial ourselves. Never throws: what cannot be reached breaks with a `Failure`. */
export type Reach = (place: Reachable) => Duplex

/** A duplex with what those who have a socket call of it. */
export class SocketLike extends Duplex {
  /** Emits `timeout` when nothing moved for so long; 0: never. What breaks at once has no need of it. */
  setTimeout(_ms: number): this {
    return this
  }

  /** It connects by itself. */
  connect(): this {
    return this
  }

  /** What carries it decides about these. */
  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/** A connection that breaks before it is one. */
export function brokenWith(failure: Failure): Duplex {
  // Later: whoever asked for it has to hear of it.
  const broken = new SocketLike({ construct: (built) => void setImmediate(built, failure), read() {} })
  return broken.on('error', () => {})
}
