/** Hours of mixed traffic in minutes: a broker on a fast clock, everything around it, and what it holds before and after. */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import pg from 'pg'
import { startGithub } from '../../packages/cli/src/demo/stand-in/github.ts'
import { freePort } from './free-port.ts'
import { modernToolServer } from './mcp-server.ts'
import { startPostgres } from './postgres.ts'
import { letGo } from './requests.ts'
import type { Held } from './soak-broker.ts'
import { startSoakProvider } from './soak-provider.ts'
import { type Roads, runJob, type Tally } from './soak-traffic.ts'

/** How many seconds of the broker one real second is. */
const factor = 240
/** Jobs at once. */
const width = 12
const clientId = 'mayfly-at-the-route'

export interface Soaked {
  readonly before: Held
  readonly after: Held
  readonly jobs: number
  readonly tally: Tally
  /** Bytes of the heap after each hour, once its garbage is collected. */
  readonly hourly: readonly number[]
}

const policy = `version: 1
issuers:
  github: { owners: [acme] }
  people: { kind: oidc, claims: [role] }
targets:
  orders-api:
    tier: staging
    token:
      audience: https://orders.acme.example
      scopes:
        orders:use: { access: write, requests: ["GET|POST /orders", "GET /orders/{id}", "GET /chunks", "GET /stream"] }
  orders-db: { tier: staging, access: write, postgres_role: { server: main, role: worker, audience: "postgres://orders.acme.example" } }
  tools:
    tier: staging
    token: { audience: "https://tools.acme.example/", scopes: { tools:use: { access: write, requests: ["CALL /orders/search_orders"] } } }
  console: { tier: staging, access: read, token: { audience: "https://console.acme.example" } }
grants:
  - { name: staff, issuer: people, who: { role: staff }, get: console, for: 30m }
  - { name: shop, issuer: github, who: { repo: acme/shop, branch: main, environment: staging }, get: [{ target: orders-api, scopes: [orders:use] }, orders-db, tools], for: 10m }
`
const lock = 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\nusers: {}\n'

/** Takes 15 real seconds for an hour, and a few more. `before` is measured after a fifth of the time. */
export async function soak(hours: number): Promise<Soaked> {
  const closings: (() => unknown)[] = []
  try {
    const start = Date.now()
    const { roads, child, api } = await open(start, closings)
    const tally: Tally = new Map()
    let jobs = 0
    const until = async (end: number) => {
      const lane = async () => {
        while (Date.now() < end) await runJob(roads, tally, jobs++)
      }
      await Promise.all(Array.from({ length: width }, lane))
    }
    const whole = (hours * 3_600_000) / factor
    await until(start + whole / 5)
    const before = await settled(child, api)
    const hourly: number[] = []
    const anHour = 3_600_000 / factor
    for (let left = (whole * 4) / 5; left > 0; left -= anHour) {
      await until(Date.now() + Math.min(anHour, left))
      if (left > anHour) hourly.push((await settled(child, api)).heap)
    }
    return { before, after: await settled(child, api), jobs, tally, hourly }
  } finally {
    for (const close of closings.reverse()) await close()
  }
}

async function open(start: number, closings: (() => unknown)[]) {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-soak-'))
  closings.push(() => rmSync(folder, { recursive: true, force: true }))
  const github = await startGithub({ now: () => start + (Date.now() - start) * factor })
  closings.push(() => github.close())
  const server = await startPostgres()
  closings.push(() => server.stop())
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  await admin.query('CREATE ROLE worker')
  await admin.end()
  const api = await startApi()
  closings.push(() => {
    api.closeAllConnections()
    api.close()
  })
  const webhookSecret = randomBytes(32).toString('base64')
  const provider = await startSoakProvider(clientId, () => start + (Date.now() - start) * factor)
  closings.push(() => provider.close())
  const tools = await modernToolServer({
    after: (close: () => unknown) => closings.push(close),
  } as unknown as TestContext)
  const origin = `http://localhost:${await freePort()}`
  const url = `http://127.0.0.1:${await freePort()}`
  const upstream = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const config = write(folder, {
    ...{ url, issuer: github.issuer, upstream, database: server.url, webhookSecret },
    ...{ people: provider.issuer, origin, tools: tools.url },
  })
  const child = fork(join(import.meta.dirname, 'soak-broker.ts'), [config, String(start), String(factor)], {
    execArgv: ['--conditions=mayfly-source', '--expose-gc'],
  })
  closings.push(async () => {
    const ended = once(child, 'exit')
    child.disconnect()
    await ended
  })
  const [{ routes }] = (await once(child, 'message')) as [{ routes: { name: string; url: string }[] }]
  const routed = (name: string) => routes.find((each) => each.name === name)?.url ?? ''
  const database = new URL(routed('orders-db'))
  database.username = 'job'
  database.pathname = '/postgres'
  const roads: Roads = {
    ...{ github, url, api: routed('orders'), database, webhookSecret, provider },
    ...{ console: origin, tools: `${routed('tools')}/orders` },
  }
  return { roads, child, api }
}

/** Answers at once, in chunks, or for ever. */
async function startApi(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url === '/stream') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      const beat = setInterval(() => response.write('data: beat\n\n'), 50)
      response.on('close', () => clearInterval(beat))
    } else if (request.url === '/chunks') response.write('part ', () => response.end('and rest'))
    else request.on('end', () => response.end('{"id":42}'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

interface Site {
  readonly url: string
  readonly issuer: string
  readonly upstream: string
  readonly database: string
  readonly webhookSecret: string
  readonly people: string
  readonly origin: string
  readonly tools: string
}

function write(folder: string, site: Site): string {
  const { url, issuer, upstream, database, webhookSecret, people, origin, tools } = site
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 })
  mkdirSync(join(folder, 'policies'))
  put('policies/soak.policy.yaml', policy)
  put('policies/policy.lock.yaml', lock)
  put('master-key', randomBytes(32).toString('base64'))
  put('webhook-secret', webhookSecret)
  put('database-url', database)
  put('client-secret', 'a secret of the route')
  const signIn = {
    issuer: 'people',
    url: origin,
    client_id: clientId,
    client_secret: { file: './client-secret' },
  }
  const listen = '127.0.0.1:0'
  const config = {
    url,
    listen: new URL(url).host,
    store: { kind: 'sqlite', path: './mayfly.db' },
    keys: { encryption: { file: './master-key' } },
    issuers: {
      github: { preset: 'github-actions', issuer, dangerously_allow_http: true },
      people: { preset: 'oidc', issuer: people, dangerously_allow_http: true },
    },
    policies: './policies',
    webhooks: { github: { secret: { file: './webhook-secret' } } },
    connections: { postgres: { main: { url: { file: './database-url' } } } },
    routes: [
      { kind: 'http', name: 'orders', listen, upstream, target: 'orders-api' },
      { kind: 'mcp', name: 'tools', listen, target: 'tools', servers: { orders: { url: tools } } },
      {
        ...{ kind: 'http', name: 'console', listen: `127.0.0.1:${new URL(origin).port}`, upstream },
        ...{ target: 'console', sign_in: signIn },
      },
      // On this clock the usual ten seconds are 40 ms.
      { kind: 'postgres', name: 'orders-db', listen, target: 'orders-db', sign_in_timeout: '20m' },
    ],
  }
  // JSON is YAML.
  put('mayfly.yaml', JSON.stringify(config))
  return join(folder, 'mayfly.yaml')
}

/** What it holds once that has not changed for a while: what callers and servers closed is noticed by then. */
async function settled(child: ChildProcess, api: Server): Promise<Held> {
  let last: Held | undefined
  for (let still = 0, asked = 0; ; asked++) {
    letGo()
    api.closeIdleConnections()
    child.send('held')
    const [held] = (await once(child, 'message')) as [Held]
    still = held.descriptors === last?.descriptors ? still + 1 : 0
    if (still === 10 || asked === 100) return held
    last = held
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
