/** A server whose tools change, and which is asked for them in two pages. */
import { text as textOf } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { ToolServer } from './mcp-server.ts'
import { onLoopback } from './on-loopback.ts'

export interface ListingServer {
  readonly server: ToolServer
  /** What reached it besides questions for its tools. */
  readonly seen: { readonly method: unknown; readonly headers: Record<string, string | undefined> }[]
  /** The tools of its second page, as they are now. */
  readonly own: { tools: readonly object[] }
  /** How a page is told, and how many were; `text`: what is told in the place of any page. */
  readonly answers: { list: (result: object) => object; lists: number; text?: string }
}

/** Tells `search_orders` first, then `tools`; a call of any is answered with nothing. */
export async function listingServer(t: TestContext, tools: readonly object[]): Promise<ListingServer> {
  const seen: ListingServer['seen'] = []
  const own: ListingServer['own'] = { tools }
  const answers: ListingServer['answers'] = { list: (result) => ({ result }), lists: 0 }
  const url = await onLoopback(t, async (request, response) => {
    const { id, method, params } = JSON.parse(await textOf(request)) as Record<
      string,
      Record<string, unknown>
    >
    const isList = String(method) === 'tools/list'
    const isFirst = params?.['cursor'] === undefined
    if (isList) answers.lists += 1
    else seen.push({ method, headers: request.headers as Record<string, string> })
    const page = isFirst ? { tools: [{ name: 'search_orders' }], nextCursor: 'two' } : own
    const told = isList ? answers.list(page) : { result: { content: [] } }
    response.writeHead(200, { 'content-type': 'application/json' })
    const text = isList ? answers.text : undefined
    response.end(text ?? JSON.stringify({ jsonrpc: '2.0', id, ...told }))
  })
  return { server: { url, calls: [], headers: [] }, seen, own, answers }
}
