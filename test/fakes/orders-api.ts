import type { TestContext } from 'node:test'
import { onLoopback } from './on-loopback.ts'

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
  const url = await onLoopback(t, (request, response) => {
    headers.push(JSON.stringify(request.headersDistinct))
    response.end('{"orders":[]}')
  })
  return { url, requests: () => headers.length, headers }
}
