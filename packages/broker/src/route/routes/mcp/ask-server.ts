import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { Readable } from 'node:stream'
import type { Reach } from '../../../base/reach.ts'
import { agentFor } from '../http/agent.ts'

/** One request to a server. */
export interface ServerRequest {
  readonly method: 'POST'
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
  readonly redirect: 'error'
  readonly signal: AbortSignal
}

/** How a server is asked; `fetch` is one way. Rejects when there is no answer. */
export type AskServer = (url: string, request: ServerRequest) => Promise<Response>

/** As long as `fetch` waits for an answer, and for more of it. */
const idleMs = 300_000

/** The same for a server that is reached another way. `close` cuts what is idle. */
export function askOver(url: string, reach: Reach): { readonly ask: AskServer; readonly close: () => void } {
  const origin = new URL(url)
  const agent = agentFor(origin, reach)
  const open = origin.protocol === 'https:' ? secure : plain
  const ask: AskServer = (to, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const fields = { ...Object.fromEntries(headers), 'content-length': String(body.length) }
      const asking = open(to, { agent, method, headers: fields, signal, timeout: idleMs })
      asking.on('timeout', () => asking.destroy(new Error('the server took too long')))
      asking.on('error', reject)
      asking.on('upgrade', (_, socket) => {
        socket.destroy()
        reject(new TypeError('the server switched protocols'))
      })
      asking.on('response', (answer) => {
        const { statusCode: status = 502, headers: got } = answer
        if (status >= 300 && status < 400) {
          answer.destroy()
          reject(new TypeError('the server answered with a redirect'))
          return
        }
        // `Response` throws at others, and nobody would catch it here.
        if (status < 200 || status > 599) {
          answer.destroy()
          reject(new TypeError('the server answered with a status that there is not'))
          return
        }
        const kept = Object.entries(got).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value] satisfies [string, string]] : [],
        )
        const empty = [204, 205].includes(status)
        if (empty) answer.resume()
        resolve(new Response(empty ? null : bodyOf(answer), { status, headers: kept }))
      })
      asking.end(body)
    })
  return { ask, close: () => agent.destroy() }
}

function bodyOf(answer: Readable): ReadableStream<Uint8Array> {
  const chunks = answer[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done === true) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
    cancel() {
      answer.destroy()
    },
  })
}
