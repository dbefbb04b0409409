/**
 * broker: composition. It opens everything in order, wires it, and closes it in the opposite order, losing nothing
 * that was accepted. It holds no rule of its own.
 */
import { givesAny } from '@mayfly/policy/decide'
import { openApprover } from './approver.ts'
import { audienceOf } from './audience.ts'
import { type Log as AuditLog, openLog } from './audit/log.ts'
import { openRefusals } from './audit/refusals.ts'
import { openRequests } from './audit/requests.ts'
import { Failure } from './base/failure.ts'
import type { Tools } from './base/tools.ts'
import type { Config } from './config/config.ts'
import { type Core, openCore, originOf } from './core.ts'
import { openPolicy, type PolicySources } from './decide/policies.ts'
import { budgetOf, recordingOf, requestVerdict } from './decide/request.ts'
import { statementTerms } from './decide/statement.ts'
import type { AuditEvent } from './domain.ts'
import { doorsOf } from './doorway.ts'
import { type Exchange, openExchange } from './exchange.ts'
import { openDoors } from './http/app.ts'
import { type Metrics, openMetrics } from './http/metrics.ts'
import { assertionsOf } from './issue/assertion.ts'
import { openBulkhead } from './issue/bulkhead.ts'
import { filledIn } from './issue/templates.ts'
import { agesOfSecrets, connectionWarnings, openIssuers, openRoutes, openRuns } from './kinds.ts'
import { decideWith, type LivePolicy, openLivePolicy } from './live-policy.ts'
import { overdrawn } from './overdrawn.ts'
import { openOwnTokens } from './own-token.ts'
import { openReconcile } from './revoke/reconcile.ts'
import { stuckLeases } from './revoke/stuck.ts'
import { openSweep } from './revoke/sweep.ts'
import { openGate } from './route/gate.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { openSignIns } from './sign-ins.ts'
import { openSubjectVerifier, type SubjectVerifier } from './verify/subject.ts'
import { wiringFaults } from './wiring.ts'

/** The version that the log and `--version` name. */
export const version = '0.1.0'

/** What runs finishes within this when the broker closes. */
const graceMs = 10_000
/** The newest entries are under a signed head within this. */
const checkpointEveryMs = 10_000

export interface Running {
  readonly url: string
  readonly routes: readonly { readonly name: string; readonly url: string }[]
  /** The log's verifier key (C2SP vkey): keep it where the broker's operator cannot write. */
  readonly logKey: string
  /** Reads the folder of the policy now; resolves when what was found is in force or refused. */
  reloadPolicy(): Promise<void>
  close(): Promise<void>
}

type Write = (event: AuditEvent) => Promise<string>
type Closing = () => Promise<void>

/** Opens a broker, its doors and its routes. Throws when anything is missing or wrong; nothing stays open then. */
export async function openBroker(config: Config, sources: PolicySources, tools: Tools): Promise<Running> {
  const metrics = openMetrics(
    {
      issuers: Object.keys(config.issuers),
      targets: [],
      routes: [...config.routes.map((route) => route.name), ...Object.keys(config.connectors)],
    },
    { process: true },
  )
  const core = await openCore(config, openPolicy(sources), tools, (event) => {
    if (event.type !== 'lease.ended') return
    if (event.state !== 'stuck') metrics.leaseEnded(event.target, event.by)
    if (event.late !== undefined) metrics.leaseLate(event.target)
  })
  metrics.knows({ targets: [...core.policy.inForce().policy.targets.keys()] })
  const closings: Closing[] = [() => core.close()]
  try {
    const [fault] = wiringFaults(config, core.policy.inForce())
    if (fault !== undefined) throw new Failure('internal', { reason: fault })
    return await openOn(core, sources, metrics, closings)
  } catch (thrown) {
    for (const close of closings.reverse()) await close().catch(() => {})
    throw thrown
  }
}

async function openOn(
  core: Core,
  sources: PolicySources,
  metrics: Metrics,
  closings: Closing[],
): Promise<Running> {
  const { config, tools, store } = core
  const inForce = core.policy.inForce()
  const write: Write = async (event) => {
    const { id, change } = core.record(event)
    await store.commit([change])
    return id
  }
  await write({
    type: 'policy.loaded',
    digest: inForce.digest,
    detail: `${inForce.policy.targets.size} targets`,
  })
  await write({ type: 'broker.started', url: config.url, version })
  const kept = await store.secrets()
  const warnings = [...connectionWarnings(config, inForce, tools.now(), kept), ...core.sealed.warnings(kept)]
  for (const what of warnings) tools.log.warn('a connection should be mended', { what })
  // What can be told is told, also while the store is down.
  metrics.secretAges(async () => agesOfSecrets(config, await store.secrets().catch(() => []), tools.now()))
  const log = openLog({
    store,
    signer: core.logKey,
    origin: originOf(config.url),
    tools,
    intervalMs: checkpointEveryMs,
  })
  closings.push(async () => {
    await write({ type: 'broker.stopped', url: config.url, version })
    await log.close()
  })
  metrics.stuckLeases(() => stuckLeases(store, tools))
  const sweep = openSweep({ store, revoke: core.revoke, switches: core.switches, tools })
  closings.push(() => sweep.close())
  const reconcile = reconcileOf(core)
  closings.push(() => reconcile.close())
  const policy = openLivePolicy({ core, sources, metrics, write })
  closings.push(() => policy.close())
  return openToTheWorld({ core, log, write, metrics, policy }, closings)
}

interface Opened {
  readonly core: Core
  readonly log: AuditLog
  readonly write: Write
  readonly metrics: Metrics
  readonly policy: LivePolicy
}

async function openToTheWorld(opened: Opened, closings: Closing[]): Promise<Running> {
  const { core, log, write, metrics, policy } = opened
  const { config, tools, store } = core
  const tokens = openOwnTokens({ url: config.url, keys: core.keys, store, tools })
  const refusals = openRefusals({ write, tools, observe: () => metrics.refusalSummed() })
  closings.push(() => refusals.close())
  const requests = openRequests({
    ...{ record: core.record, tools },
    commit: (changes) => store.commit(changes),
    lost: (target) => metrics.requestLost(target),
  })
  closings.push(() => requests.close())
  const gate = openGate({
    verify: tokens.verify,
    lease: (id) => store.lease(id),
    openHandle: (lease) => core.handles.open(lease),
    audienceOf: (target) => audienceOf(core.policy.inForce(), target),
    verdict: (target, scopes, request) => requestVerdict(core.policy.inForce(), target, scopes, request),
    statements: (target, scopes) => statementTerms(core.policy.inForce(), target, scopes),
    record: (event) => (event.type === 'route.refused' ? refusals.record(event) : write(event)),
    assert: assertionsOf(config.url, core.keys),
    budgets: {
      of: (target) => budgetOf(core.policy.inForce(), target),
      take: (take) => store.commit([{ kind: 'budget.take', ...take }]).catch(overdrawn),
    },
    recording: { ...requests, mode: (target) => recordingOf(core.policy.inForce(), target) },
    ...(config.approvals === undefined ? {} : { approval: openApprover(config.approvals, tools) }),
    tools,
    observe: (route, outcome) => metrics.routeRequest(route, outcome),
  })
  const subjects = openSubjectVerifier(openIssuers(config, tools), { url: config.url })
  const sessions = sessionsOf(core, subjects, refusals.record)
  const exchange = timed(
    exchangeOf(core, { metrics, refuse: refusals.record, subjects, sessions }),
    metrics,
    tools,
  )
  const { connectors } = core
  metrics.connectors(() => connectors.counts())
  const doors = await openDoors(
    doorsOf({ core, exchange, gate, sessions, tokens, log, metrics, refuse: refusals.record, policy }),
    config.listen,
  )
  closings.push(() => doors.close(graceMs))
  closings.push(async () => connectors.close())
  const signIns = openSignIns(core, { exchange, subjects, tokens })
  const routes: { name: string; url: string }[] = []
  const upstreams = new Map<string, () => readonly boolean[]>()
  metrics.upstreams(upstreams)
  for (const { name, route } of openRoutes(config, tools, connectors.through, signIns)) {
    const listening = await route.listen(gate)
    closings.push(() => listening.close(graceMs))
    if (listening.upstreams !== undefined) upstreams.set(name, listening.upstreams)
    routes.push({ name, url: listening.url })
  }
  let closed: Promise<void> | undefined
  const close = () => {
    doors.drain()
    closed ??= closeAndSay(closings, tools)
    return closed
  }
  const { digest } = core.policy.inForce()
  tools.log.info('the broker has started', {
    version,
    url: config.url,
    listen: doors.url,
    routes,
    policy: digest,
  })
  return { url: doors.url, routes, logKey: log.verifierKey, reloadPolicy: () => policy.look(), close }
}

/** Asks for runs whose end nobody told, where the configuration says by which app. */
function reconcileOf({ config, tools, store, revoke }: Core): { close(): Promise<void> } {
  const apps = config.webhooks.github?.ask ?? {}
  const issuers = Object.keys(apps)
  if (issuers.length === 0) return { close: async () => {} }
  const runs = openRuns(config, tools)
  const reconcile = openReconcile({
    ...{ store, issuers, tools, endJob: revoke.endJob },
    ask: (issuer, repository, run) => runs.of(apps[issuer] ?? '', repository, run),
  })
  return {
    close: async () => {
      runs.close()
      await reconcile.close()
    },
  }
}

/** Where clients of a dialect log in before they ask. */
function sessionsOf(core: Core, subjects: SubjectVerifier, refuse: Write): Sessions | undefined {
  const { config, policy, tools, store, handles, revoke, record } = core
  const { vault } = config.dialects
  if (vault === undefined) return undefined
  return openSessions({
    ...{ store, handles, revoke, record, refuse, tools, seconds: vault.session },
    verify: (token) => subjects.verify(token.reveal()),
    mayHaveAny: (principal) => givesAny(policy.inForce().policy, principal),
    jobLimit: config.limits.exchanges_per_job,
  })
}

interface ExchangeNeeds {
  readonly metrics: Metrics
  readonly refuse: Write
  readonly subjects: SubjectVerifier
  readonly sessions: Sessions | undefined
}

function exchangeOf(core: Core, { metrics, refuse, subjects, sessions }: ExchangeNeeds): Exchange {
  const { config, tools, store, targets, handles, revoke } = core
  return openExchange({
    verify: (token, audience) => subjects.verify(token, audience),
    ...(sessions === undefined ? {} : { session: sessions.holder }),
    decide: decideWith(core, metrics),
    target: (kind) => targets.get(kind),
    store,
    sealHandle: (leaseId, handle) => handles.seal(leaseId, handle),
    filledIn,
    guarded: openBulkhead(tools).run,
    leaseToken: async (grant) => (await core.leaseTokens.issue(grant, null)).token,
    record: core.record,
    refuse,
    policy: () => core.policy.inForce().digest,
    abandon: (lease, left) => revoke.abandon(lease, left),
    observe: (outcome, target, issuer) => metrics.exchange(outcome, target, issuer),
    jobLimit: config.limits.exchanges_per_job,
    tools,
  })
}

function timed(exchange: Exchange, metrics: Metrics, tools: Tools): Exchange {
  return async (request) => {
    const begun = tools.now()
    try {
      return await exchange(request)
    } finally {
      metrics.exchangeTook(tools.now() - begun)
    }
  }
}

async function closeAndSay(closings: readonly Closing[], tools: Tools): Promise<void> {
  tools.log.info('the broker is stopping', { grace_ms: graceMs })
  try {
    await closeInOrder(closings)
    tools.log.info('the broker has stopped')
  } catch (cause) {
    tools.log.error('the broker has stopped, and not all of it closed well', { cause })
    throw cause
  }
}

/** Doors and routes first, the store last: what was accepted is finished before what it needs goes away. */
async function closeInOrder(closings: readonly Closing[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of closings.toReversed()) await close().catch((thrown: unknown) => failures.push(thrown))
  if (failures.length > 0) throw failures[0]
}
