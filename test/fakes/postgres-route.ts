/** A broker with a route `orders-db` in front of a real PostgreSQL, and jobs that get tokens for it. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { githubFor } from './github.ts'
import { database } from './postgres-for.ts'
import { query } from './query.ts'
import { exchange } from './requests.ts'
import { runBroker } from './running-broker.ts'
import { makeSite } from './site.ts'

const policyWith = (database: string, record: string, aside: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  orders-db: { tier: staging, ${database === '' ? 'access: write, ' : ''}max: 20m, record: ${record}${aside}, postgres_role: { server: staging, role: migrator, audience: "postgres://orders.acme.example"${database} } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-db, orders-api], for: 10m }
  - { name: other, who: { repo: acme/shop, branch: main, environment: other }, get: orders-api-staging, for: 10m }
`

interface Options {
  /** Settings of the route, as YAML members after a comma. */
  readonly more?: string
  readonly files?: Readonly<Record<string, string>>
  /** Connection string of the database; one of this file's own server when absent. */
  readonly on?: string
  /** More of the target's settings, as YAML members after a comma. */
  readonly target?: string
  /** More beside its kind, in the same form. */
  readonly aside?: string
  /** What the target's `record` says. */
  readonly record?: string
}

export async function startRoute(
  t: TestContext,
  { more = '', files = {}, on, target = '', record = 'refusals', aside = '' }: Options = {},
) {
  const admin = on ?? (await database())
  await query(admin, 'CREATE ROLE migrator').catch(() => undefined)
  await query(
    admin,
    `GRANT CREATE ON SCHEMA public TO migrator; GRANT CREATE ON DATABASE "${new URL(admin).pathname.slice(1)}" TO migrator`,
  )
  const github = await githubFor(t)
  const site = await makeSite(t, {
    issuers: { github: github.issuer },
    policy: policyWith(target, record, aside),
  })
  const route = `{ kind: postgres, name: orders-db, listen: "127.0.0.1:0", target: orders-db${more} }`
  appendFileSync(
    site.config,
    `connections: { postgres: { staging: { url: { file: ./admin-url }, max_connections_per_lease: 40 } } }\nroutes: [${route}]\n`,
  )
  appendFileSync(
    site.replica,
    `connections: { postgres: { staging: { url: { file: ./admin-url }, max_connections_per_lease: 40 } } }\nroutes: [${route}]\n`,
  )
  for (const [name, text] of Object.entries({ 'admin-url': `${admin}\n`, ...files }))
    writeFileSync(join(site.folder, name), text)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = async (audience = 'orders-db') => {
    const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience })
    if (answer.status !== 200) throw new Error(answer.text)
    const credential = answer.body['credential'] as Readonly<Record<string, string>> | undefined
    return { answer, credential, token: String(credential?.['password'] ?? answer.body['access_token']) }
  }
  const place = new URL(broker.routes.find(({ name }) => name === 'orders-db')?.url ?? '')
  const base = new URL(admin).pathname.slice(1)
  /** Where a session with a token begins. */
  const urlWith = (token: string, at = place) =>
    `postgres://job:${encodeURIComponent(token)}@${at.host}/${base}`
  return { admin, github, site, broker, job, get, place, base, urlWith }
}
