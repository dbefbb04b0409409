import type { Duplex } from 'node:stream'
import type { Tools } from '../../../base/tools.ts'
import type { Gate } from '../../route.ts'
import { Connections } from './connections.ts'

/** A route that is being served. */
export interface Serving {
  /** The route's, for the log. */
  readonly route: string
  readonly target: string
  readonly gate: Gate
  readonly tools: Tools
  readonly connections: Connections
  /** Connections that switched to another protocol: the server knows nothing of them any more. */
  readonly switched: Set<Duplex>
  /** Connections whose last answer waits for its entry in the log. */
  readonly answering: Set<Duplex>
  /** Each answer is the last of its connection. */
  closing: boolean
}

/** Nobody is connected yet. */
export function openServing(
  {
    name,
    target,
    max_connections,
  }: { readonly name: string; readonly target: string; readonly max_connections: number },
  tools: Tools,
  gate: Gate,
): Serving {
  const connections = new Connections(max_connections)
  return {
    route: name,
    target,
    gate,
    tools,
    connections,
    switched: new Set(),
    answering: new Set(),
    closing: false,
  }
}
