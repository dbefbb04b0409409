/**
 * doorway: what stands behind each door of the HTTP server (`http/doors.ts` says which there are): exchange, revocation,
 * introspection, webhooks, the log, health. It is wiring alone: it parses nothing, decides nothing and listens on
 * nothing. `broker.ts` calls it once, with a `core.ts` that is open. The operator's way in is `office.ts`.
 */

import { audienceOf } from './audience.ts'
import type { Log as AuditLog } from './audit/log.ts'
import type { Json } from './base/canonical-json.ts'
import { Failure } from './base/failure.ts'
import type { Core } from './core.ts'
import { dialectDoors } from './dialects.ts'
import type { AuditEvent } from './domain.ts'
import type { Exchange } from './exchange.ts'
import type { Caller, Doors } from './http/doors.ts'
import type { Metrics } from './http/metrics.ts'
import { githubIssuers, openRevocationLists } from './kinds.ts'
import type { LivePolicy } from './live-policy.ts'
import type { OwnTokens } from './own-token.ts'
import { openGithubJobEnd } from './revoke/job-end.ts'
import { stuckLeases } from './revoke/stuck.ts'
import type { Gate } from './route/route.ts'
import type { Sessions } from './sessions.ts'

export interface DoorwayParts {
  readonly core: Core
  readonly exchange: Exchange
  /** Only where a dialect needs them. */
  readonly sessions: Sessions | undefined
  readonly tokens: OwnTokens
  readonly log: AuditLog
  readonly gate: Gate
  readonly metrics: Metrics
  /** Writes a refusal to the log, or counts it there; answers with an id for the caller. */
  readonly refuse: (event: AuditEvent) => Promise<string>
  readonly policy: Pick<LivePolicy, 'notes'>
}

/** Everything behind the doors. */
export function doorsOf(parts: DoorwayParts): Doors {
  const { core, exchange, tokens, log, metrics, refuse } = parts
  const { config, keys, tools } = core
  const githubWebhook = githubDoor(parts)
  return {
    url: config.url,
    algorithms: [config.keys.algorithm, ...(core.federationKeys === undefined ? [] : ['RS256'])],
    jwks: () => publishedKeys(core) as unknown as Json,
    exchange,
    undelivered: async (leaseId) => {
      const lease = await core.store.lease(leaseId)
      if (lease !== undefined)
        await core.revoke.endLease(lease, 'caller', 'the caller left before the answer')
    },
    introspectionClients: config.introspection,
    introspect: async (token, caller) => introspection(core, await tokens.active(token.reveal()), caller),
    revoke: async (token) => {
      const found = await tokens.active(token.reveal())
      if (found !== undefined) await core.revoke.endLease(found.lease, 'caller')
    },
    record: refuse,
    ...(githubWebhook === undefined ? {} : { githubWebhook }),
    audit: {
      checkpoint: () => log.checkpoint(),
      entries: (from, limit) => log.entries(from, limit),
      inclusion: (index, size) => log.inclusion(index, size),
      consistency: (first, second) => log.consistency(first, second),
      ...(config.audit.reader === undefined ? {} : { reader: config.audit.reader }),
    },
    sshRevocations: openRevocationLists(config, {
      store: core.store,
      openHandle: (lease) => core.handles.open(lease),
      tools,
    }),
    connectors: {
      names: core.connectors.names,
      admit: (name, token) => core.connectors.admit(parts.gate, name, token),
    },
    dialects: dialectDoors({ ...core, sessions: parts.sessions }),
    ready: async () => {
      await core.store.ping()
      keys.signer()
      return { store: true, keys: true, policy: true }
    },
    notes: async () => ({ ...parts.policy.notes(), leases: await stuckNote(core) }),
    metricsText: () => metrics.text(),
    observe: (door, status, milliseconds) => metrics.request(door, status, milliseconds),
    tools,
  }
}

/** One set for all who read it: each key says what it is for by its algorithm, and our doors take only their own. */
function publishedKeys({ keys, federationKeys }: Core) {
  return { keys: [...keys.jwks().keys, ...(federationKeys?.jwks().keys ?? [])] }
}

/** RFC 7662 2.2: nothing but `active: false` for what is over, unknown, or another resource server's business. */
function introspection(
  core: Core,
  found: Awaited<ReturnType<OwnTokens['active']>>,
  caller: Caller,
): Record<string, Json> {
  const mine =
    caller.kind === 'holder' ||
    (found?.lease.target === caller.target &&
      found.token.audience === audienceOf(core.policy.inForce(), caller.target))
  if (found === undefined || !mine) return { active: false }
  const { token } = found
  return {
    active: true,
    iss: core.config.url,
    sub: token.subject,
    aud: token.audience,
    client_id: token.clientId,
    ...(token.actor === undefined ? {} : { act: { sub: token.actor } }),
    ...(token.scopes.length === 0 ? {} : { scope: token.scopes.join(' ') }),
    token_type: 'Bearer',
    exp: token.expiresAt,
    iat: token.issuedAt,
    jti: token.leaseId,
  }
}

/** For whoever probes: how much has to be taken back yet. */
async function stuckNote({ store, tools }: Core): Promise<Json> {
  const { leases, oldestSeconds } = await stuckLeases(store, tools)
  return { stuck: leases, ...(leases === 0 ? {} : { oldest_stuck_seconds: oldestSeconds }) }
}

function githubDoor(parts: DoorwayParts): Doors['githubWebhook'] {
  const { core, metrics } = parts
  const settings = core.config.webhooks.github
  if (settings === undefined) return undefined
  const jobEnd = openGithubJobEnd({
    secret: settings.secret,
    issuers: githubIssuers(core.config),
    endJob: core.revoke.endJob,
    refuse: parts.refuse,
    tools: core.tools,
  })
  return async (delivery) => {
    try {
      const { status } = await jobEnd.receive(delivery)
      metrics.webhook('github', status === 'ended' ? 'accepted' : 'ignored')
    } catch (thrown) {
      if (thrown instanceof Failure) metrics.webhook('github', 'refused')
      throw thrown
    }
  }
}
