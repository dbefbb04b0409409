import type { SecureContext } from 'node:tls'
import type { Address } from '../../../base/address.ts'
import type { Reach } from '../../../base/reach.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Admitted, Gate } from '../../route.ts'
import type { Callables } from './callables.ts'
import type { Cancels } from './cancels.ts'
import type { Session } from './session.ts'
import type { StatementCheck } from './statements.ts'

/** What the statements of who was let in are held against. */
export type CheckFor = (gate: Gate, admitted: Admitted, callables?: Callables) => StatementCheck

/** One entry of `routes:` of kind `postgres`. */
export interface PostgresRouteSettings {
  readonly name: string
  readonly listen: Address
  readonly target: string
  readonly tls?: { readonly certificate: Secret; readonly key: Secret } | undefined
  /** Seconds. */
  readonly sign_in_timeout: number
  readonly idle_timeout: number
  readonly max_connections: number
  readonly max_statement_bytes: number
  readonly max_values_bytes: number
}

/** A route that listens. */
export interface RunningRoute {
  readonly settings: PostgresRouteSettings
  readonly tools: Tools
  readonly gate: Gate
  readonly check: CheckFor
  /** The way to a server, by the name of its connection, where we cannot dial it. */
  readonly reachOf: ((server: string) => Reach | undefined) | undefined
  readonly secure: SecureContext | undefined
  readonly cancels: Cancels
  readonly sessions: Set<Session>
  /** What masks by hash are made with: the same while the route listens. */
  readonly hashKey: Uint8Array
}
