import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

/** An API behind the proxy; it ends with the test. */
export interface OrdersApi {
  readonly url: string
  /** Requests that reached it. */
  requests(): number
  /** Everything of headers that reached it. */
  readonly headers: readonly string[]
}

export async function ordersApi(t: TestContext): Promise<OrdersApi> {
  const headers: string[] = []
  const server = createServer((request, response) => {
    headers.push(JSON.stringify(request.headersDistinct))
    response.end('{"orders":[]}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => headers.length,
    headers,
  }
}
