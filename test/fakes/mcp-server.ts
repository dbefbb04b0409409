/** Servers of the Model Context Protocol behind the proxy, made with its own SDKs; they write down what reached them. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { McpServer as LegacyServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createMcpHandler, McpServer as ModernServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { onLoopback } from './on-loopback.ts'

export interface ToolServer {
  /** Where it speaks streamable HTTP. */
  readonly url: string
  /** Calls that reached it, `create_order {"kind":"sample"}`. */
  readonly calls: readonly string[]
  /** Everything of headers that reached it. */
  readonly headers: readonly string[]
}

const kind = { kind: z.string() }
/** Clients say it in the header `Mcp-Param-Kind` too. */
const mirroredKind = { kind: z.string().meta({ 'x-mcp-header': 'Kind' }) }
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })

/** The tools of both: one that reads, one that writes, one that nobody should have. */
function tools(calls: string[], kinds = kind) {
  const called = (name: string, given: object) => {
    calls.push(`${name} ${JSON.stringify(given)}`)
    return text(`${name} done`)
  }
  return [
    { name: 'search_orders', schema: {}, run: async (given: object) => called('search_orders', given) },
    { name: 'create_order', schema: kinds, run: async (given: object) => called('create_order', given) },
    { name: 'delete_orders', schema: {}, run: async (given: object) => called('delete_orders', given) },
  ]
}

/** One that speaks 2026-07-28 and, statelessly, the versions before (the SDK's second generation). */
export async function modernToolServer(
  t: TestContext,
  { isMirrored = false }: { readonly isMirrored?: boolean } = {},
): Promise<ToolServer> {
  const calls: string[] = []
  const handler = createMcpHandler(() => {
    const server = new ModernServer({ name: 'orders', version: '1.0.0' })
    for (const { name, schema, run } of tools(calls, isMirrored ? mirroredKind : kind))
      server.registerTool(name, { description: name, inputSchema: z.object(schema) }, run)
    return server
  })
  return served(t, calls, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }
    const asked = new Request(`http://127.0.0.1${request.url}`, {
      method: request.method ?? 'GET',
      headers,
      ...body,
    })
    const answer = await handler.fetch(asked)
    response.writeHead(answer.status, [...answer.headers].flat())
    for await (const chunk of answer.body ?? []) response.write(chunk)
    response.end()
  })
}

/** One with sessions, as servers were before (the SDK's first generation). */
export async function legacyToolServer(t: TestContext): Promise<ToolServer> {
  const calls: string[] = []
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return served(t, calls, async (request, response) => {
    const id = request.headers['mcp-session-id']
    let transport = typeof id === 'string' ? sessions.get(id) : undefined
    if (transport === undefined && id !== undefined) {
      response.writeHead(404).end()
      return
    }
    if (transport === undefined) {
      const made = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (given) => void sessions.set(given, made),
      })
      const server = new LegacyServer({ name: 'orders', version: '1.0.0' })
      for (const { name, schema, run } of tools(calls))
        server.registerTool(name, { description: name, inputSchema: schema }, run)
      server.registerResource('secrets', 'orders://secrets', {}, async () => ({ contents: [] }))
      await server.connect(made as Parameters<typeof server.connect>[0])
      transport = made
    }
    await transport.handleRequest(request, response)
  })
}

async function served(
  t: TestContext,
  calls: readonly string[],
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<ToolServer> {
  const headers: string[] = []
  const origin = await onLoopback(t, (request, response) => {
    headers.push(JSON.stringify(request.headersDistinct))
    answer(request, response).catch(() => response.destroy())
  })
  return { url: `${origin}/mcp`, calls, headers }
}
