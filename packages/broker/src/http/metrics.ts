/** What the broker counts, in the Prometheus text format. Labels are names of the configuration, never claims. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { FailureCode } from '../base/failure.ts'
import type { EndCause } from '../domain.ts'

/** Every value that a label may take; anything else counts as `other`, so that nobody outside can add a series. */
export interface MetricNames {
  readonly issuers: readonly string[]
  readonly targets: readonly string[]
  readonly routes: readonly string[]
}

export interface Metrics {
  /** `target` and `issuer` as far as they are known. */
  exchange(outcome: 'issued' | FailureCode, target: string | undefined, issuer: string | undefined): void
  exchangeTook(milliseconds: number): void
  /** As `Doors.observe`. */
  request(door: string, status: number, milliseconds: number): void
  routeRequest(route: string, outcome: 'admitted' | FailureCode): void
  leaseEnded(target: string, by: EndCause): void
  /** One that could still be used ended much after its time. */
  leaseLate(target: string): void
  /** What still has to be taken back, asked for when the metrics are read. */
  stuckLeases(read: () => Promise<{ readonly leases: number; readonly oldestSeconds: number }>): void
  webhook(via: 'github' | 'auth0', outcome: 'accepted' | 'ignored' | 'refused'): void
  /** The policy in force; `refused`: another one is in its folder, and is not run. */
  policy(state: PolicyState): void
  /** A changed policy was not taken. */
  policyRefused(): void
  /** A guardrail stopped what a grant allowed. */
  guardrailHit(): void
  /** A refusal had no entry of its own. */
  refusalSummed(): void
  /** Something that a route carried has no entry, though the policy asks for one. */
  requestLost(target: string): void
  /** Keeps a value that is asked for when the metrics are read, such as live leases. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void
  /** How many connections each configured connector has, asked for when the metrics are read. */
  connectors(read: () => ReadonlyMap<string, number>): void
  /** By route, whether each place of its upstream is taken for well, asked for when the metrics are read. */
  upstreams(read: ReadonlyMap<string, () => readonly boolean[]>): void
  /** Seconds since each static secret was replaced, asked for when the metrics are read. */
  secretAges(read: () => Promise<ReadonlyMap<string, number>>): void
  /** Policies were swapped after start: names that labels may take from now on. */
  knows(names: Partial<MetricNames>): void
  text(): Promise<string>
}

export interface PolicyState {
  readonly digest: string
  /** Milliseconds since 1970. */
  readonly since: number
  readonly stale: boolean
}

const seconds = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** `process`: also what Node and the process use (`process_*`, `nodejs_*`). */
export function openMetrics(names: MetricNames, options: { readonly process: boolean }): Metrics {
  const registers = [new Registry()] as const
  const [registry] = registers
  if (options.process) collectDefaultMetrics({ register: registry })
  const known = {
    issuers: new Set(names.issuers),
    targets: new Set(names.targets),
    routes: new Set(names.routes),
  }
  const bounded = (set: ReadonlySet<string>, name: string | undefined) =>
    name === undefined ? 'none' : set.has(name) ? name : 'other'
  const counters = openCounters(registers)
  // Looking a child up by its labels costs more than counting.
  const routed = new Map<string, ReturnType<Counter['labels']>>()
  let ages: () => Promise<ReadonlyMap<string, number>> = async () => new Map()
  const secretAge: Gauge<'secret'> = new Gauge({
    name: 'mayfly_secret_age_seconds',
    help: 'Time since a static secret was replaced, as its connection or the store says',
    labelNames: ['secret'],
    registers: [...registers],
    collect: async () => {
      const known = await ages()
      secretAge.reset()
      for (const [secret, age] of known) secretAge.set({ secret }, age)
    },
  })
  let connected: () => ReadonlyMap<string, number> = () => new Map()
  const connectors: Gauge<'connector'> = new Gauge({
    name: 'mayfly_connectors',
    help: 'Connections of each connector to this broker',
    labelNames: ['connector'],
    registers: [...registers],
    collect: () => {
      for (const [connector, count] of connected()) connectors.set({ connector }, count)
    },
  })
  let behind: ReadonlyMap<string, () => readonly boolean[]> = new Map()
  const upstreamUp: Gauge<'route' | 'upstream'> = new Gauge({
    name: 'mayfly_route_upstream_up',
    help: 'Whether requests go to each of several places of an upstream: 1, or 0 while it is unwell or rests',
    labelNames: ['route', 'upstream'],
    registers: [...registers],
    collect: () => {
      for (const [route, states] of behind)
        for (const [upstream, isUp] of states().entries()) upstreamUp.set({ route, upstream }, isUp ? 1 : 0)
    },
  })
  let stuck = async () => ({ leases: 0, oldestSeconds: 0 })
  const stuckCount: Gauge = new Gauge({
    name: 'mayfly_leases_stuck',
    help: 'Leases that ended and could not be taken back yet where they were made',
    registers: [...registers],
    collect: async () => {
      const { leases, oldestSeconds } = await stuck()
      stuckCount.set(leases)
      counters.stuckOldest.set(oldestSeconds)
    },
  })
  return {
    exchange: (outcome, target, issuer) =>
      counters.exchanges.inc({
        outcome,
        target: bounded(known.targets, target),
        issuer: bounded(known.issuers, issuer),
      }),
    exchangeTook: (ms) => counters.exchangeSeconds.observe(ms / 1000),
    request(door, status, ms) {
      counters.requests.inc({ door, status })
      counters.requestSeconds.observe(ms / 1000)
    },
    routeRequest(route, outcome) {
      const name = `${bounded(known.routes, route)} ${outcome}`
      let counter = routed.get(name)
      counter ??= counters.routes.labels({ route: bounded(known.routes, route), outcome })
      routed.set(name, counter)
      counter.inc()
    },
    leaseEnded: (target, by) => counters.ended.inc({ target: bounded(known.targets, target), by }),
    leaseLate: (target) => counters.late.inc({ target: bounded(known.targets, target) }),
    stuckLeases(read) {
      stuck = read
    },
    webhook: (via, outcome) => counters.webhooks.inc({ via, outcome }),
    policy({ digest, since, stale }) {
      counters.policy.reset()
      counters.policy.set({ digest }, 1)
      counters.policySince.set(since / 1000)
      counters.policyStale.set(stale ? 1 : 0)
    },
    policyRefused: () => counters.policiesRefused.inc(),
    guardrailHit: () => counters.guardrailHits.inc(),
    refusalSummed: () => counters.refusalsSummed.inc(),
    requestLost: (target) => counters.requestsLost.inc({ target: bounded(known.targets, target) }),
    gauge(name, help, read) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        registers: [...registers],
        collect: async () => gauge.set(await read()),
      })
    },
    upstreams(read) {
      behind = read
    },
    connectors(read) {
      connected = read
    },
    secretAges(read) {
      ages = read
    },
    knows(more) {
      for (const kind of ['issuers', 'targets', 'routes'] as const) {
        for (const name of more[kind] ?? []) known[kind].add(name)
      }
    },
    text: () => registry.metrics(),
  }
}

function openCounters(registers: readonly Registry[]) {
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [...registers] })
  const histogram = (name: string, help: string, buckets: readonly number[]) =>
    new Histogram({ name, help, buckets: [...buckets], registers: [...registers] })
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [...registers] })
  return {
    exchanges: counter('mayfly_exchanges_total', 'Exchanges by outcome', ['outcome', 'target', 'issuer']),
    exchangeSeconds: histogram('mayfly_exchange_duration_seconds', 'Time of one exchange', seconds),
    requests: counter('mayfly_http_requests_total', 'Requests at each door', ['door', 'status']),
    requestSeconds: histogram('mayfly_http_request_duration_seconds', 'Time of one request', seconds),
    routes: counter('mayfly_route_requests_total', 'Requests that routes asked for', ['route', 'outcome']),
    ended: counter('mayfly_leases_ended_total', 'Leases that ended, by cause', ['target', 'by']),
    late: counter('mayfly_leases_late_total', 'Leases of other systems that ended much after their time', [
      'target',
    ]),
    stuckOldest: gauge(
      'mayfly_lease_stuck_oldest_seconds',
      'Since when the oldest of them should be gone',
      [],
    ),
    webhooks: counter('mayfly_webhooks_total', 'Webhooks by outcome', ['via', 'outcome']),
    policy: gauge('mayfly_policy_info', 'The policy in force: always 1', ['digest']),
    policySince: gauge('mayfly_policy_loaded_timestamp_seconds', 'When the policy came into force here', []),
    policyStale: gauge('mayfly_policy_stale', '1 while the folder holds a policy that was refused', []),
    policiesRefused: counter('mayfly_policy_refused_total', 'Changed policies that were not taken', []),
    refusalsSummed: counter(
      'mayfly_refusals_summed_total',
      'Refusals that were too many for entries of their own and are counted in `refusals.summed`',
      [],
    ),
    requestsLost: counter(
      'mayfly_requests_unrecorded_total',
      'Requests and statements that have no entry though their target asks for one, as well as can be',
      ['target'],
    ),
    guardrailHits: counter(
      'mayfly_guardrail_hits_total',
      'Exchanges that a guardrail stopped though a grant allowed them: alarm on any',
      [],
    ),
  }
}
