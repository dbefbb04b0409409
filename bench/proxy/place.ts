/** Mayfly as it is served, with a route to the upstream, and tokens of jobs that it issued. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { startGithub } from '../../packages/cli/src/demo/stand-in/github.ts'
import { accessToken, exchange } from '../../test/fakes/requests.ts'
import { type Child, startChild } from '../child.ts'
import { freePort } from './program.ts'

export const audience = 'https://orders.acme.example'

/** Scopes that list requests: each request is looked up in them, by method, path and query. */
const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api:
    tier: staging
    token:
      audience: ${audience}
      scopes:
        orders:read:
          access: read
          requests: ["GET /orders", { request: "GET /orders/{id}", query: { expand: [items] } }]
        orders:write: { access: write, requests: ["POST /orders", "PUT|DELETE /orders/{id}"] }
grants:
  - name: shop
    who: { repo: acme/shop, branch: main, environment: staging }
    get: { target: orders-api, scopes: [orders:write, orders:read] }
    for: 1h
`
const lock = 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\nusers: {}\n'

export interface Place {
  readonly child: Child
  /** The broker's own URL: the issuer of the tokens. */
  readonly issuer: string
  readonly route: string
  readonly jwks: string
  readonly tokens: readonly string[]
  close(): Promise<void>
}

/** Opens it in `folder` with its store; as many jobs as `tokens` get one each. */
export async function openPlace(folder: string, upstream: number, tokens: number): Promise<Place> {
  const github = await startGithub()
  const url = `http://127.0.0.1:${await freePort()}`
  const config = writeSite(folder, { url, issuer: github.issuer, upstream })
  const child = await startChild('./leases/server.ts', { config })
  const got: string[] = []
  for (let at = 0; at < tokens; at++) {
    const job = github.job(pushJob('staging'))
    got.push(accessToken(await exchange(url, github.idTokenOf(job, url), {})))
  }
  return {
    child,
    issuer: url,
    route: child.url.searchParams.get('route') ?? '',
    jwks: `${url}/.well-known/jwks.json`,
    tokens: got,
    async close() {
      await child.stop()
      await github.close()
    },
  }
}

function writeSite(folder: string, site: { url: string; issuer: string; upstream: number }): string {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 })
  mkdirSync(join(folder, 'policies'))
  write('policies/bench.policy.yaml', policy)
  write('policies/policy.lock.yaml', lock)
  write('master-key', randomBytes(32).toString('base64'))
  const upstream = `http://127.0.0.1:${site.upstream}`
  const config = {
    url: site.url,
    listen: new URL(site.url).host,
    store: { kind: 'sqlite', path: './mayfly.db' },
    keys: { encryption: { file: './master-key' } },
    issuers: { github: { preset: 'github-actions', issuer: site.issuer, dangerously_allow_http: true } },
    policies: './policies',
    routes: [{ kind: 'http', name: 'orders', listen: '127.0.0.1:0', upstream, target: 'orders-api' }],
  }
  // JSON is YAML.
  write('mayfly.yaml', JSON.stringify(config))
  return join(folder, 'mayfly.yaml')
}
