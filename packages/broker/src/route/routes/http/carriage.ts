import type { Agent, IncomingMessage, ServerResponse } from 'node:http'
import type { Tools } from '../../../base/tools.ts'
import type { Admitted, Meter } from '../../route.ts'
import type { Asked } from './asked.ts'
import type { Injected, InjectedAt } from './injected.ts'
import type { Wires } from './wires.ts'

/** What stands behind the route. */
export interface Upstream {
  readonly origin: URL
  readonly agent: Agent
  /** Where the upstream speaks HTTP without TLS. */
  readonly wires?: Wires
  readonly idleMs: number
  /** How callers speak to the route. */
  readonly scheme: 'http' | 'https'
  /** Cookies of ours, which the upstream neither sees nor sets. */
  readonly ownCookies?: true
  readonly injected?: Injected
}

/** One request on its way, and what it needs. */
export interface Carriage {
  readonly upstream: Upstream
  readonly tools: Pick<Tools, 'after'>
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly asked: Asked
  readonly admitted: Admitted
  /** The whole body, where it was read already. */
  readonly body?: Buffer
  /** Extra fields of the answer, such as `Connection: close` while the route closes. */
  readonly extra: () => readonly string[]
  /** Where the request is recorded: hears of the bytes of the answer's body. */
  readonly count?: (bytes: number) => void
  /** What the lease made there, in the place of `Upstream.injected`. */
  readonly injectedAt?: InjectedAt
  /** Who asks, signed for the upstream. */
  readonly assertion?: string
  /** Where the job has a budget for what flows. */
  readonly meter?: Meter
  /** Called at most once, and only while nothing was answered. `unsent`: no connection came about. */
  readonly failed: (status: 502 | 504, cause: unknown, unsent?: boolean) => void
}
