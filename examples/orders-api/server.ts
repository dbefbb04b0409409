/**
 * A tiny API to stand behind a route. It has no authentication of its own: it believes the `X-Mayfly-*` headers,
 * so it listens where only the proxy reaches it. By itself: `node examples/orders-api/server.ts 3000`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

interface Order {
  readonly id: number
  readonly item: string
  /** Who placed it, as the proxy says. */
  readonly by: string
}

export interface RunningOrdersApi {
  readonly url: string
  close(): Promise<void>
}

/** Starts it on loopback; port 0 takes any free one. */
export async function startOrdersApi(port: number): Promise<RunningOrdersApi> {
  const orders: Order[] = [
    { id: 1, item: 'tea', by: 'the shop' },
    { id: 2, item: 'bread', by: 'the shop' },
  ]
  const server = createServer((request, response) => {
    answer(orders, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(orders: Order[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]
  const place = `${request.method} ${path}`
  if (place === 'GET /orders') return json(response, 200, { orders })
  if (place === 'GET /orders/stream') return stream(orders, response)
  if (place === 'GET /echo') return json(response, 200, { headers: request.headers })
  if (place !== 'POST /orders') return json(response, 404, { error: 'not_found' })
  const item = await readItem(request)
  if (item === undefined) return json(response, 400, { error: 'send {"item": "..."}, at most 10 kB' })
  const order = { id: orders.length + 1, item, by: String(request.headers['x-mayfly-subject'] ?? 'unknown') }
  orders.push(order)
  return json(response, 201, order)
}

/** One order a line, each as soon as it is there. */
async function stream(orders: readonly Order[], response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  await pipeline(async function* () {
    for (const order of orders) yield `${JSON.stringify(order)}\n`
  }, response)
}

async function readItem(request: IncomingMessage): Promise<string | undefined> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > 10_000) return undefined
  }
  try {
    const body: unknown = JSON.parse(text)
    const item = typeof body === 'object' && body !== null && 'item' in body ? body.item : undefined
    return typeof item === 'string' ? item : undefined
  } catch {
    return undefined
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}

if (import.meta.main) {
  const { url } = await startOrdersApi(Number(process.argv[2] ?? 3000))
  console.log(`orders API on ${url}`)
}
