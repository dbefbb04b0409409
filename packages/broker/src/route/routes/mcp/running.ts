import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Address } from '../../../base/address.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Recent } from '../../recent.ts'
import type { Gate } from '../../route.ts'
import type { Asked } from '../http/asked.ts'
import type { Serving } from '../http/served.ts'
import type { AskServer } from './ask-server.ts'
import type { SessionIds } from './session-ids.ts'
import type { KeptList, ToolDefinition } from './tool-definition.ts'

/** One entry of `routes:` of kind `mcp`. */
export interface McpRouteSettings {
  readonly name: string
  readonly listen: Address
  readonly target: string
  readonly servers: Readonly<
    Record<
      string,
      {
        readonly url: string
        readonly target?: string | undefined
        readonly authorization?: Secret | undefined
        readonly via?: string | undefined
        /** By name, the digests of the tools that are offered; absent: all. */
        readonly tools?: Readonly<Record<string, string>> | undefined
        readonly check_arguments?: boolean
      }
    >
  >
  readonly origins: readonly string[]
  readonly max_connections: number
}

/** The target whose tokens a server of the route takes: its own, or the route's. */
export function targetOf({ servers, target }: McpRouteSettings, server: string): string {
  return (Object.hasOwn(servers, server) ? servers[server]?.target : undefined) ?? target
}

/** What every request of one route needs. */
export interface RunningMcp extends Serving {
  readonly settings: McpRouteSettings
  readonly gate: Gate
  /** By name, the servers that `fetch` does not reach. */
  readonly ways: ReadonlyMap<string, AskServer>
  /** Our issuer's URL: where tokens for this route come from. */
  readonly issuer: string
  readonly sessions: SessionIds
  /** What servers told of their tools, by server and caller. */
  readonly toolLists: Recent<KeptList>
  /** By digest. */
  readonly definitions: Recent<ToolDefinition>
  /** What was logged of tools that are not as they were pinned. */
  readonly told: Recent<true>
}

/** A message on its way. */
export interface Passage {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly asked: Asked
  /** The server's name in the configuration. */
  readonly server: string
  /** The caller sends its body when it is told to (RFC 9110 10.1.1). */
  readonly waits: boolean
  /** The caller is gone, or has its answer: nothing more is asked, taken or sent for it. */
  readonly left: AbortSignal
}
