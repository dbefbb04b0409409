import type { Duplex } from 'node:stream'
import type { Tools } from '../base/tools.ts'
import type { Answer, Asked } from './answer.ts'
import type { Doors } from './doors.ts'

/** One line of the routing table. */
export interface DoorRow {
  /** As metrics and tests know it. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PUT'
  /** `{name}` stands for one part of it, and `{mount}` for one that means nothing to us. */
  readonly path: string
  /** Also at the path that RFC 8414 3 makes for an issuer with a path of its own. */
  readonly wellKnown?: true
  /** Bytes of a body, counted before anything is parsed. */
  readonly bodyLimit: number
  /** Present when the configuration opens this door. */
  readonly opens?: (doors: Doors) => boolean
  /** The path holds `{name}`: there is one such door for each of these. */
  readonly names?: (doors: Doors) => readonly string[]
  /** Refuses by the headers alone, before a byte of the body is read. */
  readonly unread?: (headers: Asked['headers'], doors: Doors) => Promise<Answer | undefined>
  /** A GET that makes something: a HEAD, which would throw it away, is refused. */
  readonly makes?: true
  /** How this door says no where nothing of its own was asked yet; as the token endpoint does when absent. */
  readonly refuse?: (thrown: unknown, tools: Tools) => Answer
  /** Where connections may switch to another protocol: what takes them then. Throws `Failure`. */
  readonly switches?: (asked: Asked, doors: Doors) => Promise<Switch>
  readonly answer: (asked: Asked, doors: Doors, state: DoorState) => Answer | Promise<Answer>
}

/** Takes a connection that has switched. */
export type Switch = (socket: Duplex) => void

export interface DoorState {
  readonly draining: boolean
}
