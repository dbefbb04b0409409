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

/** What Node's parser stumbled over, in words; its own say more than callers should read of it. */
const faultOf: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'its head is too long',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'its chunk extensions are too long',
  HPE_INVALID_CONTENT_LENGTH: 'its length is no number, or stands beside a transfer encoding',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'it has two lengths, or a length and a transfer encoding',
  HPE_INVALID_TRANSFER_ENCODING: 'its transfer encoding does not end in chunked, or stands beside a length',
  HPE_INVALID_CHUNK_SIZE: 'the size of a chunk is no number',
  HPE_INVALID_METHOD: 'its method is none',
  HPE_INVALID_URL: 'its target is none',
  HPE_INVALID_CONSTANT: 'its first line is none',
  HPE_INVALID_VERSION: 'its version of HTTP is none',
  HPE_INVALID_HEADER_TOKEN: 'a field has a name or a value that no field may have',
  HPE_LF_EXPECTED: 'a line ends in CR alone',
  HPE_CR_EXPECTED: 'a line ends in LF alone',
  HPE_STRICT: 'a line does not end as lines do',
  HPE_INVALID_EOF_STATE: 'it broke off',
  HPE_CLOSED_CONNECTION: 'something came after its end',
  HPE_PAUSED_H2_UPGRADE: 'it is HTTP/2 without TLS',
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
    } else {
      const why = faultOf[thrown.code ?? '']
      const said = why === undefined ? '.' : `: ${why}.`
      end(socket, statusOf[thrown.code ?? ''] ?? 400, `The request cannot be read${said}`)
    }
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
