/**
 * Plain reverse proxies on Node that check nothing: what one writes with the parts at hand. They leave out fields of one
 * connection and stream both ways with back-pressure, so any request may be sent through them.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'
import { Pool } from 'undici'
import { report } from '../child.ts'

const { kind, upstream } = JSON.parse(process.argv[2] ?? '{}') as { kind: string; upstream: number }
const origin = `http://127.0.0.1:${upstream}`
const ofConnection = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'])

function carried(flat: readonly string[], more: readonly string[] = []): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = flat[at] ?? ''
    const lower = name.toLowerCase()
    if (!ofConnection.has(lower) && lower !== 'host') kept.push(name, flat[at + 1] ?? '')
  }
  kept.push(...more)
  return kept
}

const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 })

/** `node:http` on both sides. */
function byAgent(incoming: IncomingMessage, response: ServerResponse): void {
  const headers = carried(incoming.rawHeaders, ['Host', '127.0.0.1'])
  const options = { agent, method: incoming.method ?? 'GET', path: incoming.url ?? '/', headers }
  const onward = request(origin, options, (answer) => {
    // The caller may have gone meanwhile.
    if (response.destroyed) return void answer.destroy()
    response.writeHead(answer.statusCode ?? 502, carried(answer.rawHeaders))
    pipeline(answer, response, () => undefined)
  })
  onward.on('error', () => response.destroy())
  if (hasBody(incoming)) incoming.pipe(onward)
  else onward.end()
}

const pool = new Pool(origin, { connections: 64, pipelining: 1 })

/** undici's lowest level: its own parser and sockets, no stream for the answer. */
function byDispatch(incoming: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url: path = '/' } = incoming
  const body = hasBody(incoming) ? incoming : null
  pool.dispatch(
    { method, path, headers: carried(incoming.rawHeaders), body },
    {
      onRequestStart: () => undefined,
      onResponseStart(controller, status) {
        const fields = listed(controller.rawHeaders)
        response.writeHead(status, carried(fields))
        response.on('drain', () => controller.resume())
      },
      onResponseData(controller, piece) {
        if (!response.write(piece)) controller.pause()
      },
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    },
  )
}

function listed(raw: unknown): string[] {
  return Array.isArray(raw) ? raw.map(String) : []
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

const server = createServer({ noDelay: true, requestTimeout: 0 }, kind === 'agent' ? byAgent : byDispatch)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  report(`http://127.0.0.1:${port}`, async () => {
    server.closeAllConnections()
    server.close()
    agent.destroy()
    await pool.destroy()
  })
})
