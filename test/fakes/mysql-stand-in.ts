/**
 * What MySQL 8 says to statements, without doing them: it signs everybody in and keeps what it was sent. For the
 * statements that MySQL alone understands; everything else is tested with a real MariaDB.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Number of an error; nothing = it worked, -1 = it never answers. */
export type Answers = (statement: string) => number | undefined

/** Starts one for a test; answers its URL and the statements so far. */
export async function mysqlStandIn(
  t: TestContext,
  answers: Answers = () => undefined,
): Promise<{ readonly url: string; readonly statements: readonly string[] }> {
  const statements: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write(packet(greeting))
    socket.once('data', () => {
      socket.write(packet(ok, 2))
      socket.on('data', (chunk: Buffer) => {
        if (chunk[4] === 3) {
          const statement = chunk.subarray(5).toString()
          statements.push(statement)
          reply(socket, statement, answers(statement))
        } else socket.end()
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `mysql://broker:word@127.0.0.1:${port}/shop`, statements }
}

const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
const ok = Buffer.from([0, 0, 0, 2, 0, 0, 0])
const end = Buffer.from([0xfe, 0, 0, 2, 0])

/** Protocol 10, with the abilities that a client needs to sign in with a password. */
const greeting = Buffer.concat([
  Buffer.from([10]),
  Buffer.from('8.4.9\0'),
  Buffer.from([1, 0, 0, 0]),
  Buffer.from('abcdefgh\0'),
  Buffer.from([0xff, 0xf7, 33, 2, 0, 0x0f, 0x80, 21]),
  Buffer.alloc(10),
  Buffer.from('abcdefghijkl\0'),
  Buffer.from('mysql_native_password\0'),
])

function packet(body: Buffer, number = 0): Buffer {
  return Buffer.concat([Buffer.from([body.length & 255, body.length >> 8, 0, number]), body])
}

function reply(socket: Socket, statement: string, error: number | undefined): void {
  if (error === -1) return
  if (error !== undefined) {
    const says = Buffer.from(`#HY000${statement}`)
    socket.write(packet(Buffer.concat([Buffer.from([0xff, error & 255, error >> 8]), says]), 1))
  } else if (/^SELECT/.test(statement)) {
    const rows = /VERSION/.test(statement) ? [text('8.4.9')] : []
    const parts = [Buffer.from([1]), column, end, ...rows, end]
    socket.write(Buffer.concat(parts.map((part, at) => packet(part, at + 1))))
  } else socket.write(packet(ok, 1))
}

const column = Buffer.concat([
  ...['def', '', '', '', 'version', ''].map(text),
  Buffer.from([12, 33, 0, 64, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0]),
])
