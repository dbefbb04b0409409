import { type Metrics, openMetrics } from '@mayfly/broker/http/metrics'
import { table as doors } from '@mayfly/broker/http/routing'
import { codes, isUsed, page, table } from './page.ts'

type Counting = Exclude<keyof Metrics, 'gauge' | 'knows' | 'text'>

/** One call of each way to count: what it changes is what it stands for. */
const calls: { readonly [Name in Counting]: (metrics: Metrics) => void } = {
  exchange: (metrics) => metrics.exchange('issued', 'a', 'a'),
  exchangeTook: (metrics) => metrics.exchangeTook(1),
  request: (metrics) => metrics.request('token', 200, 1),
  routeRequest: (metrics) => metrics.routeRequest('a', 'admitted'),
  leaseEnded: (metrics) => metrics.leaseEnded('a', 'expired'),
  leaseLate: (metrics) => metrics.leaseLate('a'),
  stuckLeases: (metrics) => metrics.stuckLeases(async () => ({ leases: 1, oldestSeconds: 1 })),
  webhook: (metrics) => metrics.webhook('github', 'accepted'),
  policy: (metrics) => metrics.policy({ digest: 'a', since: 1, stale: true }),
  policyRefused: (metrics) => metrics.policyRefused(),
  guardrailHit: (metrics) => metrics.guardrailHit(),
  refusalSummed: (metrics) => metrics.refusalSummed(),
  requestLost: (metrics) => metrics.requestLost('a'),
  connectors: (metrics) => metrics.connectors(() => new Map([['a', 1]])),
  upstreams: (metrics) => metrics.upstreams(new Map([['a', () => [true]]])),
  secretAges: (metrics) => metrics.secretAges(async () => new Map([['a', 1]])),
}

const outcome = 'or a code of [errors](errors.md)'

/** What each label may say, by `metric.label` or by label. */
const values: Readonly<Record<string, string>> = {
  'mayfly_exchanges_total.outcome': `\`issued\` ${outcome}`,
  'mayfly_route_requests_total.outcome': `\`admitted\` ${outcome}`,
  'mayfly_webhooks_total.outcome': '`accepted` (a job ended), `ignored` (another event) or `refused`',
  target: 'a target of the policy, `none` or `other`',
  issuer: 'a configured issuer, `none` (not verified) or `other`',
  route: 'a configured route or connector',
  connector: 'a configured connector',
  upstream: 'its place in `upstream`, from 0',
  door: `${codes(doors.map(({ name }) => name))}, or \`none\``,
  secret: 'a connection of `connections.secret` that says `last_replaced`, or whose secret the store keeps',
  status: 'status code of the answer',
  by: '`expired`, `caller`, `job_end`, `operator`, `policy`, `switch` or `failed`',
  via: '`github`',
  digest: 'digest of the policy in force, as the log names it',
}

interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
  readonly counted: boolean
}

/** Every metric with its labels. */
export async function metricsPage(): Promise<string> {
  const families: Family[] = []
  for (const [name, call] of Object.entries(calls)) families.push(...(await changedBy(name, call)))
  const labels = families.flatMap((family) =>
    family.labels.map((label) => [`\`${family.name}\``, `\`${label}\``, meaning(family.name, label)]),
  )
  return page('Metrics', [
    '`GET /metrics`, in the Prometheus text format. Labels hold names of the configuration and fixed words, never claims,',
    'so nobody outside can add a series. Process and runtime metrics of Node (`process_*`, `nodejs_*`) come along.',
    '',
    ...table(
      ['metric', 'type', 'what', 'labels'],
      families.map(({ name, type, help, labels: own, counted }) => [
        `\`${name}\``,
        type,
        counted ? help : `${help}; not counted in this version`,
        codes(own),
      ]),
    ),
    '',
    '## Labels',
    '',
    ...table(['metric', 'label', 'says'], labels),
  ])
}

async function changedBy(method: string, call: (metrics: Metrics) => void): Promise<readonly Family[]> {
  const open = () => openMetrics({ issuers: ['a'], targets: ['a'], routes: ['a'] }, { process: false })
  const before = new Set((await open().text()).split('\n'))
  const metrics = open()
  call(metrics)
  const lines = (await metrics.text()).split('\n')
  const counted = isUsed(`.${method}(`, 'http/metrics.ts')
  return lines.flatMap((line) => {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? []
    if (name === '') return []
    const own = lines.filter((each) => each.startsWith(name) && !before.has(each))
    if (own.length === 0) return []
    const type = lines.find((each) => each.startsWith(`# TYPE ${name} `))?.split(' ')[3] ?? ''
    const labels = [...(own[0] ?? '').matchAll(/([a-z_]+)="/g)].map(([, label = '']) => label)
    return [{ name, type, help, labels: labels.filter((label) => label !== 'le'), counted }]
  })
}

function meaning(metric: string, label: string): string {
  const said = values[`${metric}.${label}`] ?? values[label]
  if (said === undefined) throw new Error(`scripts/reference/metrics.ts does not say what ${label} is`)
  return said
}
