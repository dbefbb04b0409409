/** The same for the Postgres route: `pgbench -S` through it, through PgBouncer, and without anything between. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { startGithub } from '../../packages/cli/src/demo/stand-in/github.ts'
import { debianProgram } from '../../test/fakes/debian-package.ts'
import { startPostgres } from '../../test/fakes/postgres.ts'
import { exchange } from '../../test/fakes/requests.ts'
import { pinned, startChild } from '../child.ts'
import { pgbouncer } from './configurations.ts'
import { freePort, startProgram } from './program.ts'

const size = { rounds: 5, seconds: 3, clients: 8 } as const

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-db:
    tier: staging
    access: read
    postgres_role: { server: main, role: reader, audience: "postgres://orders.acme.example" }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: orders-db, for: 10m }
`
const lock = 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\nusers: {}\n'

interface Way {
  readonly name: string
  /** Host, port, user, password and database. */
  readonly url: URL
  cpu(): Promise<number> | number
  stop(): Promise<void>
}

/** Medians of one way to the database. */
export interface WayCost {
  readonly perSecond: number
  /** CPU microseconds for each transaction, of what stands between. */
  readonly cpu: number
}

/** Takes about a minute. */
export async function benchPostgresRoute(folder: string): Promise<ReadonlyMap<string, WayCost>> {
  const run = promisify(execFile)
  const pgbench = debianProgram('/usr/bin/pgbench', 'postgresql-15')
  const server = await startPostgres()
  const stops = [server.stop]
  try {
    const admin = new URL(server.url)
    await run(pgbench, ['-i', '-q', '-s', '5', server.url])
    await prepare(server.url)
    const ways = [direct(admin), await bouncer(folder, admin), await mayfly(folder, server.url)]
    stops.push(...ways.map(({ stop }) => stop))
    const found = new Map<string, WayCost[]>(ways.map(({ name }) => [name, []]))
    for (let round = -1; round < size.rounds; round++)
      for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
        const cost = await measure(pgbench, way)
        if (round >= 0) found.get(way.name)?.push(cost)
      }
    return new Map([...found].map(([name, costs]) => [name, typical(costs)]))
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function measure(pgbench: string, { url, cpu }: Way): Promise<WayCost> {
  const before = await cpu()
  const args = ['-n', '-S', '-c', String(size.clients), '-T', String(size.seconds), '-h', url.hostname]
  const [command, words] = pinned(1, pgbench, [
    ...args,
    '-p',
    url.port,
    '-U',
    url.username,
    url.pathname.slice(1),
  ])
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(url.password) }
  const { stdout } = await promisify(execFile)(command, words, { env })
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1])
  const transactions = number(/actually processed: ([0-9]+)/)
  if (!(transactions > 0) || number(/failed transactions: ([0-9]+)/) > 0) throw new Error(stdout)
  return {
    perSecond: number(/tps = ([0-9.]+)/),
    cpu: (((await cpu()) - before) * 1e6) / transactions,
  }
}

async function prepare(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('CREATE ROLE reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader')
  await client.end()
}

function direct(url: URL): Way {
  return { name: 'direct', url, cpu: () => 0, stop: async () => undefined }
}

async function bouncer(folder: string, server: URL): Promise<Way> {
  const path = debianProgram('/usr/sbin/pgbouncer', 'pgbouncer')
  const own = join(folder, 'pgbouncer')
  const port = await freePort()
  mkdirSync(own)
  chmodSync(own, 0o755)
  writeFileSync(join(own, 'users'), `"${server.username}" "${server.password}"\n`, { mode: 0o644 })
  writeFileSync(join(own, 'pgbouncer.ini'), pgbouncer({ port, upstream: Number(server.port), folder: own }))
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const program = await startProgram(0, [path, '-q', ...user, join(own, 'pgbouncer.ini')], port)
  const url = new URL(server)
  url.port = String(port)
  return { name: 'pgbouncer, session mode', url, ...program }
}

async function mayfly(folder: string, database: string): Promise<Way> {
  const own = join(folder, 'postgres-route')
  mkdirSync(join(own, 'policies'), { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(own, name), text, { mode: 0o600 })
  write('policies/bench.policy.yaml', policy)
  write('policies/policy.lock.yaml', lock)
  write('master-key', randomBytes(32).toString('base64'))
  write('database-url', database)
  const github = await startGithub()
  const broker = `http://127.0.0.1:${await freePort()}`
  const config = {
    url: broker,
    listen: new URL(broker).host,
    store: { kind: 'sqlite', path: './mayfly.db' },
    keys: { encryption: { file: './master-key' } },
    issuers: { github: { preset: 'github-actions', issuer: github.issuer, dangerously_allow_http: true } },
    policies: './policies',
    connections: { postgres: { main: { url: { file: './database-url' }, max_connections_per_lease: 40 } } },
    routes: [{ kind: 'postgres', name: 'orders', listen: '127.0.0.1:0', target: 'orders-db' }],
  }
  // JSON is YAML.
  write('mayfly.yaml', JSON.stringify(config))
  const child = await startChild('./leases/server.ts', { config: join(own, 'mayfly.yaml') })
  const token = github.idTokenOf(github.job(pushJob('staging')), broker)
  const answer = await exchange(broker, token, { audience: 'orders-db' })
  const { password = '' } = (answer.body['credential'] ?? {}) as Readonly<Record<string, string>>
  const url = new URL(child.url.searchParams.get('route') ?? '')
  url.username = 'job'
  url.password = encodeURIComponent(password)
  url.pathname = new URL(database).pathname
  return {
    name: 'mayfly',
    url,
    cpu: async () => (await child.usage()).cpu,
    stop: async () => {
      await child.stop()
      await github.close()
    },
  }
}

function typical(costs: readonly WayCost[]): WayCost {
  const middle = (of: (cost: WayCost) => number) =>
    costs.map(of).toSorted((one, other) => one - other)[Math.floor(costs.length / 2)] ?? Number.NaN
  return { perSecond: middle(({ perSecond }) => perSecond), cpu: middle(({ cpu }) => cpu) }
}
