/** What the latency of an end is measured in: a broker, an API behind its gate, a PostgreSQL, and a platform. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Github, startGithub } from '../../packages/cli/src/demo/stand-in/github.ts'
import { startPostgres } from '../../test/fakes/postgres.ts'
import { startChild } from '../child.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-db: { tier: staging, access: write, max: 15m, postgres_role: { server: main, role: migrator } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-api, orders-db], for: 10m }
`
const lock = 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\nusers: {}\n'

export interface Place {
  readonly github: Github
  readonly url: string
  /** The route through the gate. */
  readonly gate: string
  readonly webhookSecret: string
  close(): Promise<void>
}

/** Opens everything on loopback. The broker runs on a core of its own. */
export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-bench-'))
  const github = await startGithub()
  const postgres = await startPostgres()
  const api = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(api, 'listening')
  const admin = new pg.Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query('CREATE ROLE migrator')
  await admin.end()
  const webhookSecret = randomBytes(32).toString('base64')
  const upstream = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  const config = writeSite(folder, { issuer: github.issuer, upstream, webhookSecret, database: postgres.url })
  const child = await startChild('./leases/server.ts', { config })
  return {
    github,
    url: child.url.origin,
    gate: child.url.searchParams.get('route') ?? '',
    webhookSecret,
    async close() {
      await child.stop()
      await github.close()
      api.closeAllConnections()
      api.close()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The audience of subject tokens; nobody has to listen there. */
export const brokerUrl = 'http://127.0.0.1:1'

interface SiteParts {
  readonly issuer: string
  readonly upstream: string
  readonly webhookSecret: string
  readonly database: string
}

function writeSite(folder: string, { issuer, upstream, webhookSecret, database }: SiteParts): string {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 })
  mkdirSync(join(folder, 'policies'))
  write('policies/bench.policy.yaml', policy)
  write('policies/policy.lock.yaml', lock)
  write('master-key', randomBytes(32).toString('base64'))
  write('webhook-secret', webhookSecret)
  write('database-url', database)
  const config = {
    url: brokerUrl,
    listen: '127.0.0.1:0',
    store: { kind: 'sqlite', path: './mayfly.db' },
    keys: { encryption: { file: './master-key' } },
    issuers: { github: { preset: 'github-actions', issuer, dangerously_allow_http: true } },
    policies: './policies',
    webhooks: { github: { secret: { file: './webhook-secret' } } },
    routes: [{ kind: 'http', name: 'orders', listen: '127.0.0.1:0', upstream, target: 'orders-api' }],
    connections: { postgres: { main: { url: { file: './database-url' } } } },
  }
  // JSON is YAML.
  write('mayfly.yaml', JSON.stringify(config))
  return join(folder, 'mayfly.yaml')
}
