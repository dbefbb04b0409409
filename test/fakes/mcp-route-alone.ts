/** The MCP route alone, before a server and with a gate of the test: for moments that a whole broker passes too fast. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { openMcpRoute } from '@mayfly/broker/route/routes/mcp/mcp'
import { type FakeGate, fakeGate } from '../conformance/route.ts'
import { atEnd } from './at-end.ts'

type Servers = Parameters<typeof openMcpRoute>[0]['servers']

export interface McpAlone {
  readonly gate: FakeGate
  /** Of the server `orders`. */
  readonly url: string
  /** What was logged, each with its fields as JSON. */
  readonly logged: readonly string[]
}

/** Opens the route; it ends with the test. A server with `via` is reached through sockets of the test. */
export async function mcpRouteAlone(t: TestContext, server: Servers[string]): Promise<McpAlone> {
  const gate = fakeGate()
  const logged: string[] = []
  const log = (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void logged.push(`${message} ${JSON.stringify({ ...fields, cause: String(fields['cause']) })}`)
  const settings = {
    ...{ name: 'tools', listen: { host: '127.0.0.1', port: 0 }, target: 'agent-tools' },
    ...{ servers: { orders: server }, origins: [], max_connections: 100 },
  }
  const tools = {
    now: Date.now,
    randomBytes,
    log: { debug: log, info: log, warn: log, error: log },
    after: (ms: number, run: () => void) => {
      const timer = setTimeout(run, ms)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
  const route = openMcpRoute(
    settings,
    'https://mayfly.example',
    tools,
    () =>
      ({ host, port }) =>
        connect(port, host),
  )
  const listening = await route.listen(gate)
  atEnd(t, () => listening.close(0))
  return { gate, url: `${listening.url}/orders`, logged }
}
