/** A database in a private network: roles are made, used and taken back through the connector, and through nothing else. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { dial } from '../../packages/cli/src/connect/dial.ts'
import { readPlaces } from '../../packages/cli/src/connect/places.ts'
import { serve } from '../../packages/cli/src/connect/serving.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { githubFor } from '../fakes/github.ts'
import { database } from '../fakes/postgres-for.ts'
import { query } from '../fakes/query.ts'
import { type Answered, accessToken, exchange, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-db: { tier: staging, access: write, postgres_role: { server: private, role: migrator, audience: "postgres://orders.acme.example" } }
  connectors:
    tier: staging
    token: { audience: https://mayfly.acme.example/connectors, scopes: { serve:office: write } }
grants:
  - name: shop
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [orders-api, orders-api-staging, orders-db, { target: connectors, scopes: [serve:office] }]
    for: 10m
`

async function start(t: TestContext) {
  const admin = new URL(await database())
  await query(admin.href, 'CREATE ROLE migrator').catch(() => undefined)
  await query(admin.href, 'GRANT CREATE ON SCHEMA public TO migrator')
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, connectors: ['office'] })
  const place = admin.host
  const hidden = new URL(admin)
  hidden.host = 'orders-db.internal:5432'
  writeFileSync(join(site.folder, 'admin-url'), hidden.href)
  appendFileSync(
    site.config,
    `connections: { postgres: { private: { url: { file: ./admin-url }, via: office } } }
routes: [{ kind: postgres, name: orders-db, listen: "127.0.0.1:0", target: orders-db }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const get = (audience: string) =>
    exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), { audience })
  const connected = async () => {
    const socket = await dial(broker.url, 'office', accessToken(await get('connectors')), t.signal)
    return serve(socket, readPlaces([`orders-db.internal:5432=${place}`]), () => {})
  }
  const session = async (token: string) => {
    const url = new URL(broker.routes[0]?.url ?? '')
    const client = new pg.Client({
      connectionString: `postgres://job:${encodeURIComponent(token)}@${url.host}${admin.pathname}`,
    })
    client.on('error', () => {})
    atEnd(t, () => client.end().catch(() => undefined))
    await client.connect()
    return client
  }
  const roles = async () => {
    const { rows } = await query(admin.href, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'mayfly_%'")
    return rows.length
  }
  return { broker, get, connected, session, roles }
}

/** However it ends: `once` would take its error for a fault. */
function endOf(client: pg.Client): Promise<void> {
  return new Promise((resolve) => client.once('end', () => resolve()))
}

/** What the job signs in with: its token. */
function passwordOf({ body }: Answered): string {
  return String((body['credential'] as Readonly<Record<string, string>>)['password'])
}

test('a job works on a database that only the connector reaches, until its lease ends', async (t) => {
  const { broker, get, connected, session, roles } = await start(t)
  const without = await get('orders-db')
  assert.equal(without.status, 503)
  await connected()
  const answer = await get('orders-db')
  assert.equal(answer.status, 200)
  assert.ok(!answer.text.includes('internal'))
  const token = passwordOf(answer)
  const client = await session(token)
  await client.query('CREATE TABLE orders (id int PRIMARY KEY, note text)')
  await client.query("INSERT INTO orders SELECT i, repeat('x', 1000) FROM generate_series(1, 5000) i")
  const { rows } = await client.query('SELECT sum(length(note))::int AS n FROM orders WHERE id <= $1', [4000])
  assert.equal(rows[0].n, 4_000_000)
  assert.equal((await client.query('SELECT * FROM orders')).rowCount, 5000)
  const ended = endOf(client)
  assert.equal((await revoke(broker.url, token)).status, 200)
  await ended
  assert.equal(await roles(), 0)
})

test('a session ends with its connector, and a lease that ends without one is taken back when one comes', {
  timeout: 60_000,
}, async (t) => {
  const { broker, get, connected, session, roles } = await start(t)
  const served = await connected()
  const token = passwordOf(await get('orders-db'))
  const client = await session(token)
  const ended = endOf(client)
  served.cut()
  await ended
  await assert.rejects(session(token))
  assert.equal(await roles(), 1)
  await revoke(broker.url, token)
  assert.equal(await roles(), 1)
  await connected()
  // The broker tries again by itself, every five seconds at first.
  while ((await roles()) > 0) await wait(200)
})
