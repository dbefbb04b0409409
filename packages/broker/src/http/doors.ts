import type { Duplex } from 'node:stream'
import type { Json } from '../base/canonical-json.ts'
import type { Secret } from '../base/secret.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent, Entry, Lease } from '../domain.ts'
import type { Exchange } from '../exchange.ts'
import type { Sessions } from '../sessions.ts'

/** Who asks whether a token is active: a configured resource server, or whoever holds that very token. */
export type Caller =
  | { readonly kind: 'client'; readonly name: string; readonly target: string }
  | { readonly kind: 'holder' }

/** A resource server that may introspect tokens of its target (RFC 7662 2.1). */
export interface IntrospectionClient {
  readonly name: string
  readonly target: string
  readonly secret: Secret
}

/** A webhook as it came. Nothing of it is believed before its signature was checked over `body`. */
export interface GithubDelivery {
  /** `X-Hub-Signature-256`, empty when absent. */
  readonly signature: string
  /** `X-GitHub-Event`. */
  readonly event: string
  /** `X-GitHub-Delivery`. */
  readonly id: string
  readonly body: Uint8Array
}

type RecordedHere = Extract<
  AuditEvent,
  { type: 'introspection.refused' | 'revocation.refused' | 'audit.refused' | 'credential.refused' }
>

/** The log as the doors show it (RFC 6962 4). Each throws `request_malformed` when asked beyond the log. */
export interface AuditDoors {
  /** The newest signed head, a C2SP checkpoint; `undefined` before the first. */
  readonly checkpoint: () => Promise<string | undefined>
  readonly entries: (from: number, limit: number) => Promise<readonly Entry[]>
  readonly inclusion: (index: number, size: number) => Promise<readonly Uint8Array[]>
  readonly consistency: (first: number, second: number) => Promise<readonly Uint8Array[]>
  /** Who may read entries. Absent: the door for entries does not exist. */
  readonly reader?: Secret
}

/** The lists of SSH certificates that ended early, by their authorities. */
export interface SshDoors {
  readonly authorities: readonly string[]
  /** `undefined` when there is no such authority. */
  readonly list: (
    authority: string,
  ) => Promise<{ readonly bytes: Uint8Array; readonly tag: string } | undefined>
}

/** What the clients of octo-sts reach. */
export interface OctoStsDoor {
  /** What they ask their platform for: our host, without a scheme. */
  readonly audience: string
  /** The target that an identity means in a scope (`owner`, `owner/repo`). */
  readonly target: (scope: string, identity: string) => string
}

/** What the clients of AWS STS reach. */
export interface AwsStsDoor {
  /** The target whose role this is; `undefined` when there is none, or more than one. */
  readonly target: (roleArn: string) => string | undefined
  readonly identities: Identities
}

/** Who the keys are of that were given out a moment ago. Never written anywhere, forgotten within minutes. */
export interface Identities {
  keep(identity: Identity): void
  find(accessKeyId: string): Identity | undefined
}

export interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken: Secret
  /** Of the assumed role: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. */
  readonly arn: string
  readonly userId: string
}

/** What clients with an `external_account` of Google reach. */
export interface GoogleDoor {
  /** The target that a provider's name means; `undefined` when the configuration does not say. */
  readonly target: (audience: string) => string | undefined
}

/** What the clients of Vault reach. */
export interface VaultDoor {
  readonly sessions: Sessions
  /** What is meant by paths that do not end in the name of a target; `key`: under which its value is found. */
  readonly paths: ReadonlyMap<string, { readonly target: string; readonly key?: string }>
  /** Ends one lease. */
  readonly end: (lease: Lease) => Promise<void>
}

/** Protocols of other brokers. Absent: the configuration does not open them. */
export interface DialectDoors {
  readonly octoSts?: OctoStsDoor
  readonly awsSts?: AwsStsDoor
  readonly vault?: VaultDoor
  readonly google?: GoogleDoor
}

/** Where connectors arrive. */
export interface ConnectorDoor {
  readonly names: readonly string[]
  /** What takes the connection of whoever may be this connector. Throws `Failure`; the refusal is in the log. */
  readonly admit: (name: string, token: Secret | undefined) => Promise<(socket: Duplex) => void>
}

/** Everything behind the doors; `broker.ts` fills it. */
export interface Doors {
  /** Our issuer: https, no trailing slash. */
  readonly url: string
  /** Algorithms of the keys that are published, for the discovery document. */
  readonly algorithms: readonly string[]
  /** The JWK Set: public members only. */
  readonly jwks: () => Json | Promise<Json>
  readonly exchange: Exchange
  /** Ends a lease whose credential could not be delivered. */
  readonly undelivered: (leaseId: string) => Promise<void>
  readonly introspectionClients: readonly IntrospectionClient[]
  /** `{ active: false }` and nothing else for what is not active, unknown, or not for this caller (RFC 7662 2.2). */
  readonly introspect: (token: Secret, caller: Caller) => Promise<Readonly<Record<string, Json>>>
  /** Resolves for a token that is unknown or ended as well (RFC 7009 2.2). */
  readonly revoke: (token: Secret) => Promise<void>
  /** Writes a refusal of these doors to the log and answers with the entry's id. */
  readonly record: (event: RecordedHere) => Promise<string>
  /** Absent when no secret is configured. Throws `client_rejected` when the signature is wrong. */
  readonly githubWebhook?: (delivery: GithubDelivery) => Promise<void>
  readonly audit: AuditDoors
  /** Absent: there are no such doors. */
  readonly sshRevocations?: SshDoors
  /** Absent: the configuration names no connector. */
  readonly connectors?: ConnectorDoor
  readonly dialects?: DialectDoors
  /** Each thing that must work before requests are welcome. */
  readonly ready: () => Promise<Readonly<Record<string, boolean>>>
  /** What whoever probes should know although requests are welcome. Everybody may read it. */
  readonly notes?: () => Readonly<Record<string, Json>> | Promise<Readonly<Record<string, Json>>>
  /** The Prometheus text format. */
  readonly metricsText: () => Promise<string>
  /** Counts a request; `door` is a name of the routing table, never the path. */
  readonly observe?: (door: string, status: number, milliseconds: number) => void
  readonly tools: Tools
}
