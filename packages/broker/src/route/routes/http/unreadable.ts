import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId } from '../../../base/id.ts'
import type { Tools } from '../../../base/tools.ts'
import { problem } from '../../bearer-error.ts'

const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers what Node's parser cannot read and what asks for a tunnel, and ends the connection; `spoilt` are those that were answered. */
export function answerBrokenRequests(server: Server, tools: Tools, spoilt: WeakSet<Duplex>): void {
  server.on('clientError', (thrown: NodeJS.ErrnoException, socket) => {
    if (thrown.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    if (spoilt.has(socket)) {
      // Its answer is on the way already.
      socket.end(() => socket.destroy())
      return
    }
    end(socket, statusOf[thrown.code ?? ''] ?? 400, 'The request cannot be read.', tools)
  })
  server.on('connect', (_, socket) => end(socket, 501, 'CONNECT is not carried.', tools))
}

function end(socket: Duplex, status: number, detail: string, tools: Tools): void {
  const answer = problem(status, detail, newId('er', tools))
  const fields = [
    ...answer.headers,
    'Content-Length',
    String(Buffer.byteLength(answer.body)),
    'Connection',
    'close',
  ]
  const lines = [`HTTP/1.1 ${status} ${JSON.parse(answer.body).title}`]
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  socket.on('error', () => {})
  socket.end(`${lines.join('\r\n')}\r\n\r\n${answer.body}`, () => socket.destroy())
}
