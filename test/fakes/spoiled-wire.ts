/** A wire to an HTTP server that passes questions on as they are, and spoils the answer to one of them. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'

/** Writes what comes instead of the answer. */
export type Spoil = (response: ServerResponse) => void

export interface SpoiledWire {
  readonly url: string
  /** Questions that came, since the last `spoil`: all that was sent, as text. */
  readonly asked: readonly string[]
  /** From now on the question with this number, from 1, gets this instead of its answer. */
  spoil(at: number, spoil: Spoil): void
}

/** `t`: a test's context, or `node:test` itself for a whole file. */
export async function spoiledWireFor(
  t: { after(run: () => void): void },
  upstream: string,
): Promise<SpoiledWire> {
  const asked: string[] = []
  let plan: { readonly at: number; readonly spoil: Spoil } | undefined
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece)
    const body = Buffer.concat(pieces)
    asked.push(`${request.method} ${request.url}\n${JSON.stringify(request.headers)}\n${body.toString()}`)
    if (plan?.at === asked.length) return plan.spoil(response)
    passOn(upstream, request, body, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    spoil(at, spoil) {
      asked.length = 0
      plan = { at, spoil }
    },
  }
}

function passOn(upstream: string, from: IncomingMessage, body: Buffer, to: ServerResponse): void {
  const url = new URL(from.url ?? '/', upstream)
  const secure = url.protocol === 'https:'
  // A stand-in on loopback vouches for itself; `host` stays that of the wire, because it may be signed.
  const options = { method: from.method, headers: from.headers, agent: false, rejectUnauthorized: false }
  const sent = (secure ? httpsRequest : httpRequest)(url, options, (answer) => {
    to.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(to)
  })
  sent.on('error', () => to.destroy())
  sent.end(body)
}
