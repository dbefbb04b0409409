import { type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId } from '../../../base/id.ts'
import { type Problem, problem } from '../../bearer-error.ts'
import { unfit } from './saying-no.ts'
import type { Serving } from './served.ts'

const statusOf: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers what Node's parser cannot read and what asks for a tunnel, and ends the connection. */
export function answerBrokenRequests(server: Server, serving: Serving): void {
  const { tools, connections, answering } = serving
  const end = (socket: Duplex, status: number, detail: string) => {
    socket.on('error', () => {})
    const mayAnswer = socket.writable && connections.mayAnswer(socket)
    connections.spoil(socket)
    if (!mayAnswer) socket.destroy()
    // Nothing came that could be refused: a connection that was opened and left alone.
    else if (status === 408) endWith(socket, problem(status, detail, newId('er', tools)))
    else
      unfit(serving, socket, status, detail).then(
        (answer) => (socket.writable ? endWith(socket, answer) : socket.destroy()),
        () => socket.destroy(),
      )
  }
  server.on('clientError', (thrown: NodeJS.ErrnoException, socket) => {
    if (thrown.code === 'ECONNRESET') socket.destroy()
    // The answer to the unfit request before it is on its way already.
    else if (connections.isSpoilt(socket)) {
      if (!answering.has(socket)) socket.end(() => socket.destroy())
    } else end(socket, statusOf[thrown.code ?? ''] ?? 400, 'The request cannot be read.')
  })
  server.on('connect', (_, socket) => end(socket, 501, 'CONNECT is not carried.'))
}

/** Writes an answer on a connection that carries nothing else any more, and ends it. */
export function endWith(socket: Duplex, answer: Problem): void {
  const fields = [
    ...answer.headers,
    'Content-Length',
    String(Buffer.byteLength(answer.body)),
    'Connection',
    'close',
  ]
  const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}`]
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  socket.end(`${lines.join('\r\n')}\r\n\r\n${answer.body}`, () => socket.destroy())
}
