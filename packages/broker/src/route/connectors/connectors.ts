/**
 * connectors: who serves the upstreams that we cannot dial. A connector dials us, shows a token of ours, and is asked
 * through the gate as every caller is; from then on routes that name it reach their upstreams through it. It never sees
 * a caller's token, and nothing but its own command line says what it dials. `core.ts` opens it.
 */
import type { Duplex } from 'node:stream'
import { Failure } from '../../base/failure.ts'
import { brokenWith, type Reach } from '../../base/reach.ts'
import type { Secret } from '../../base/secret.ts'
import type { Tools } from '../../base/tools.ts'
import type { Gate } from '../route.ts'
import { watchLease } from '../watch.ts'
import { type Connection, openConnection } from './connection.ts'

export interface ConnectorsParts {
  /** By name, whose tokens it takes to be that connector. */
  readonly connectors: Readonly<Record<string, { readonly target: string }>>
  readonly tools: Tools
}

export interface Connectors {
  readonly names: readonly string[]
  /**
   * Whoever holds this token may be the connector of this name. Answers with what takes its connection, once it has
   * switched. Throws `Failure`; the refusal is in the log.
   */
  admit(gate: Gate, name: string, token: Secret | undefined): Promise<(socket: Duplex) => void>
  /** The way through the connector of this name, whoever that is at the moment. */
  through(name: string): Reach
  /** How many connections each of them has. */
  counts(): ReadonlyMap<string, number>
  close(): void
}

/** Nobody is connected yet. */
export function openConnectors(parts: ConnectorsParts): Connectors {
  const { connectors, tools } = parts
  /** Of each name the newest first: it serves, the others stand by. */
  const connected = new Map<string, readonly Connection[]>()
  const of = (name: string) => connected.get(name) ?? []
  return {
    names: Object.keys(connectors),
    async admit(gate, name, token) {
      const admitted = await admit(parts, gate, name, token)
      return (socket) => {
        const { leaseId: lease, subject } = admitted
        const connection: Connection = openConnection(socket, tools, () => {
          connected.set(
            name,
            of(name).filter((each) => each !== connection),
          )
          tools.log.info('a connector has gone', { connector: name, lease, left: of(name).length })
        })
        connected.set(name, [connection, ...of(name)])
        watchLease(gate, admitted, socket, tools)
        tools.log.info('a connector has come', { connector: name, lease, subject })
      }
    },
    through: (name) => (place) => {
      for (const connection of of(name)) {
        const tunnel = connection.open(place)
        if (tunnel !== undefined) return tunnel
      }
      return brokenWith(absent(name, of(name).length))
    },
    counts: () => new Map(Object.keys(connectors).map((name) => [name, of(name).length])),
    close() {
      for (const connection of [...connected.values()].flat()) connection.finish()
      for (const connection of [...connected.values()].flat()) connection.cut()
    },
  }
}

async function admit({ connectors }: ConnectorsParts, gate: Gate, name: string, token: Secret | undefined) {
  const target = Object.hasOwn(connectors, name) ? connectors[name]?.target : undefined
  if (target === undefined) throw new Failure('internal', { reason: `there is no connector \`${name}\`` })
  const ask = { route: name, target, action: 'connect' }
  const admitted = await gate.admit({ ...ask, token })
  const scope = `serve:${name}`
  if (admitted.scopes.includes(scope)) return admitted
  const failure = new Failure('scope_refused', {
    reason: `the token's scopes do not include \`${scope}\``,
    detail: `The token does not allow being this connector. It needs the scope ${scope}.`,
  })
  throw await gate.refuse(admitted, ask, failure)
}

function absent(name: string, busy: number): Failure {
  return new Failure('provider_unavailable', {
    reason: busy === 0 ? `no connector \`${name}\` is connected` : `the connector \`${name}\` is busy`,
    detail:
      busy === 0
        ? 'The connector of this upstream is not connected.'
        : 'The connector of this upstream carries as much as it may.',
  })
}
