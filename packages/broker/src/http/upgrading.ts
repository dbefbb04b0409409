/** Connections that switch to another protocol (RFC 9110 7.8), at those doors that know one. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { asFailure, failureRow } from '../base/failure.ts'
import type { Answer } from './answer.ts'
import { connectProtocol } from './connect.ts'
import type { DoorRow } from './door-row.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'
import type { Router } from './routing.ts'

/** Whether a request asks for a protocol that its door knows; whatever else asks for one is answered as a request. */
export function switches(route: Router, request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === connectProtocol && rowOf(route, request) !== undefined
}

/** Switches, or says no and ends the connection. Never rejects. `head`: what came behind the request. */
export async function switchProtocols(
  doors: Doors,
  route: Router,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => {})
  const begun = doors.tools.now()
  const row = rowOf(route, request)
  let status = 101
  try {
    const asked = { headers: request.headers, query: '', body: Buffer.alloc(0) }
    const take = await row?.switches?.(asked, doors)
    if (take === undefined || socket.destroyed || head.length > 0) {
      socket.destroy()
      return
    }
    if (socket instanceof Socket) socket.setTimeout(0)
    socket.write(headOf(101, ['Connection', 'Upgrade', 'Upgrade', connectProtocol]))
    take(socket)
  } catch (thrown) {
    const answer = refuse(thrown, doors.tools, { scheme: 'Bearer' })
    status = failureRow(asFailure(thrown).code).bearer
    endWith(socket, { ...answer, status })
  }
  doors.observe?.(row?.name ?? 'none', status, doors.tools.now() - begun)
}

function rowOf(route: Router, { method = '', url = '/' }: IncomingMessage): DoorRow | undefined {
  const found = route(method, url)
  return found !== undefined && 'row' in found && found.row.switches !== undefined ? found.row : undefined
}

function endWith(socket: Duplex, { status, headers, body }: Answer): void {
  const length = ['Content-Length', String(Buffer.byteLength(body)), 'Connection', 'close']
  socket.end(Buffer.concat([Buffer.from(headOf(status, [...headers, ...length])), Buffer.from(body)]))
}

function headOf(status: number, fields: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`]
  for (let at = 0; at < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
