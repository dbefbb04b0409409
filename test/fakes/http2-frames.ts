/** Frames of HTTP/2 (RFC 9113 4) written octet by octet: what no client library would send. */
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { atEnd } from './at-end.ts'

export const frame = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  reset: 0x3,
  settings: 0x4,
  ping: 0x6,
  goaway: 0x7,
  window: 0x8,
  continuation: 0x9,
} as const

export const flag = { endStream: 0x1, endHeaders: 0x4 } as const

/** One frame. */
export function framed(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Fields as HPACK says them without tables or Huffman (RFC 7541 6.2.2). */
export function fieldBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

function text(said: string): Buffer {
  const octets = Buffer.from(said, 'latin1')
  const length = [Math.min(octets.length, 127)]
  let left = octets.length - 127
  if (left >= 0) {
    for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128)
    length.push(left)
  }
  return Buffer.concat([Buffer.from(length), octets])
}

/** A frame that came. */
export interface Came {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A connection that said its preface and waits for what the test says next. */
export interface Frames {
  readonly socket: TLSSocket
  readonly came: readonly Came[]
  /** Resolves once the other side ended it. */
  readonly over: Promise<void>
  say(...frames: readonly Buffer[]): void
  /** The first frame that fits, also one that came before. `undefined`: the connection ended without one. */
  first(fits: (came: Came) => boolean): Promise<Came | undefined>
}

/** Connects. `settings`: a payload of the first frame. */
export async function openFrames(
  t: TestContext,
  url: string,
  ca: string,
  settings: Buffer = Buffer.alloc(0),
): Promise<Frames> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), ca, ALPNProtocols: ['h2'] })
  atEnd(t, () => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  const came: Came[] = []
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (piece: Buffer) => {
    held = Buffer.concat([held, piece])
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const end = 9 + held.readUIntBE(0, 3)
      const [type, flags] = [held.readUInt8(3), held.readUInt8(4)]
      came.push({ type, flags, stream: held.readUInt32BE(5), payload: held.subarray(9, end) })
      held = held.subarray(end)
      socket.emit('frame')
    }
  })
  socket.on('end', () => socket.end())
  const say = (...frames: readonly Buffer[]) => {
    if (socket.writable) socket.write(Buffer.concat(frames))
  }
  say(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), framed(frame.settings, 0, 0, settings))
  const first = async (fits: (each: Came) => boolean) => {
    for (;;) {
      const found = came.find(fits)
      if (found !== undefined || socket.destroyed) return found
      await Promise.race([new Promise((resolve) => socket.once('frame', resolve)), over])
    }
  }
  return { socket, came, over, say, first }
}
