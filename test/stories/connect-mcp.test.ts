/** MCP servers in a private network, behind a connector: agents use them with the SDKs that they have. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { dial } from '../../packages/cli/src/connect/dial.ts'
import { readPlaces } from '../../packages/cli/src/connect/places.ts'
import { serve } from '../../packages/cli/src/connect/serving.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { githubFor } from '../fakes/github.ts'
import { legacyToolServer, modernToolServer, type ToolServer } from '../fakes/mcp-server.ts'
import { accessToken, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  agent-tools:
    tier: staging
    token:
      audience: https://tools.acme.example/
      scopes: { orders:read: { access: read, safe: true, requests: [CALL /orders/search_orders] } }
  connectors:
    tier: staging
    token: { audience: https://mayfly.acme.example/connectors, scopes: { serve:office: write } }
grants:
  - name: agent
    who: { repo: acme/shop, branch: main, environment: staging }
    get: [orders-api, orders-api-staging, { target: agent-tools, scopes: [orders:read] }, { target: connectors, scopes: [serve:office] }]
    for: 10m
`

async function start(t: TestContext, server: ToolServer) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy, connectors: ['office'] })
  const { pathname, host } = new URL(server.url)
  const servers = `{ orders: { url: "http://tools${pathname}", via: office } }`
  appendFileSync(
    site.config,
    `routes: [{ kind: mcp, name: tools, listen: "127.0.0.1:0", target: agent-tools, servers: ${servers} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const token = async (audience: string) =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob('staging'), aud: site.url }), { audience }),
    )
  const socket = await dial(broker.url, 'office', await token('connectors'), t.signal)
  const served = serve(socket, readPlaces([`tools=${host}`]), () => {})
  const bearer = await token('agent-tools')
  const url = new URL(`${broker.routes[0]?.url}/orders`)
  return { url, served, server, options: { requestInit: { headers: { Authorization: `Bearer ${bearer}` } } } }
}

test('a client of the first SDK, with a session, calls a tool through a connector', async (t) => {
  const { url, options, server, served } = await start(t, await legacyToolServer(t))
  const client = new LegacyClient({ name: 'agent', version: '1.0.0' })
  await client.connect(new LegacyTransport(url, options) as Parameters<typeof client.connect>[0])
  const { tools } = await client.listTools()
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['search_orders'],
  )
  const found = await client.callTool({ name: 'search_orders', arguments: {} })
  assert.deepEqual(found.content, [{ type: 'text', text: 'search_orders done' }])
  assert.deepEqual(server.calls, ['search_orders {}'])
  served.cut()
  await served.over
  await assert.rejects(client.callTool({ name: 'search_orders', arguments: {} }), /not available/)
  await client.close()
})

test('a client of the second SDK does too', async (t) => {
  const { url, options, server } = await start(t, await modernToolServer(t))
  const client = new ModernClient(
    { name: 'agent', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  await client.connect(new ModernTransport(url, options))
  await client.callTool({ name: 'search_orders', arguments: {} })
  assert.deepEqual(server.calls, ['search_orders {}'])
  await client.close()
})
