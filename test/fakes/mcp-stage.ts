/** A broker in front of MCP servers, with a policy of scopes for their tools, and what callers say to it. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { githubFor } from './github.ts'
import type { ToolServer } from './mcp-server.ts'
import { accessToken, ask, exchange } from './requests.ts'
import { runBroker } from './running-broker.ts'
import { makeSite } from './site.ts'

const policyWith = (record: string, budget: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  agent-tools:
    tier: staging
    record: ${record}
${budget}    token:
      audience: https://tools.acme.example/
      scopes:
        orders:read: { access: read, safe: true, requests: [CALL /orders/search_orders] }
        orders:sample: { access: write, requests: [{ request: CALL /orders/create_order, body: { /kind: [sample] } }] }
        stock:read: { access: read, safe: true, requests: [CALL /stock/search_orders] }
        orders:all: { access: admin, requests: ["CALL /orders/**"] }
  stock-tools:
    tier: staging
    token:
      audience: https://tools.acme.example/stock
      scopes: { stock:read: { access: read, safe: true, requests: [CALL /stock/search_orders] } }
grants:
  - name: agent
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [{ target: agent-tools, scopes: [orders:read, orders:sample, stock:read] }, stock-tools, orders-api, orders-api-staging]
    for: 10m
guardrails:
  - { name: agents delete no orders, never: { repo: acme/shop }, get: { target: agent-tools, request: CALL /orders/delete_orders } }
`

/**
 * A broker with the server `orders` behind its route, and `stock` where there is one. `at`: the broker whose route is asked;
 * tokens come from the first.
 */
export async function openMcpStage(
  t: TestContext,
  server: ToolServer,
  {
    at = 'config',
    stock,
    stockTarget,
    pins,
    checks = true,
    record = 'refusals',
    budget,
  }: {
    readonly at?: 'config' | 'replica'
    readonly stock?: ToolServer
    /** Where `stock` has a target of its own: `stock-tools`. */
    readonly stockTarget?: 'stock-tools'
    /** The tools of `orders` that are offered. */
    readonly pins?: Readonly<Record<string, string>>
    /** Whether arguments of calls at `orders` have to fit. */
    readonly checks?: boolean
    readonly record?: string
    readonly budget?: string
  } = {},
) {
  const github = await githubFor(t)
  const limits = budget === undefined ? '' : `    budget: ${budget}\n`
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy: policyWith(record, limits) })
  const second =
    stock === undefined
      ? ''
      : `, stock: { url: "${stock.url}"${stockTarget === undefined ? '' : `, target: ${stockTarget}`} }`
  const more = pins === undefined ? '' : `, tools: ${JSON.stringify(pins)}`
  const servers = `{ orders: { url: "${server.url}", authorization: { file: ./server-token }, check_arguments: ${checks}${more} }${second} }`
  const route = `{ kind: mcp, name: tools, listen: "127.0.0.1:0", target: agent-tools, servers: ${servers} }`
  for (const path of [site.config, site.replica]) appendFileSync(path, `routes: [${route}]\n`)
  writeFileSync(join(site.folder, 'server-token'), 'token-of-the-server')
  const broker = await runBroker(t, site.config)
  const asked = at === 'config' ? broker : await runBroker(t, site.replica)
  const url = asked.routes.find(({ name }) => name === 'tools')?.url ?? ''
  const token = async (scope: string, audience = 'agent-tools') =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), {
        audience,
        scope,
      }),
    )
  const say = (bearer: string, message: object | string, headers: Readonly<Record<string, string>> = {}) =>
    ask(`${url}/orders`, {
      headers: {
        ...{ authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        ...{ accept: 'application/json, text/event-stream', ...headers },
      },
      body: typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    })
  return { site, broker, url, token, say, server }
}

/** What every request of the newest version says of itself. */
export const meta = (version = '2026-07-28') => ({
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
})
/** The headers that mirror such a request. */
export const modern = (method: string, name?: string) => ({
  ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method },
  ...(name === undefined ? {} : { 'mcp-name': name }),
})
