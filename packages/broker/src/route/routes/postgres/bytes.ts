import type { Duplex } from 'node:stream'
import { Failure } from '../../../base/failure.ts'

/** Exactly `size` bytes of a stream that nobody else reads; the rest stays in it. Throws when it ends before. */
export async function exactly(stream: Duplex, size: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let had = 0; had < size; ) {
    // Taken out even when it is too little: a stream with something in it says that it is readable again and again.
    const piece = stream.read() as Buffer | null
    if (piece !== null) {
      had += piece.length
      pieces.push(piece)
    } else if (stream.readableEnded || stream.destroyed) throw ended()
    else await readable(stream)
  }
  const bytes = Buffer.concat(pieces)
  if (bytes.length > size) stream.unshift(bytes.subarray(size))
  return bytes.subarray(0, size)
}

function readable(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (thrown?: Failure) => {
      for (const name of ['end', 'close', 'error']) stream.off(name, over)
      stream.off('readable', come)
      if (thrown === undefined) resolve()
      else reject(thrown)
    }
    const over = () => done(ended())
    const come = () => done()
    for (const name of ['end', 'close', 'error']) stream.once(name, over)
    stream.once('readable', come)
  })
}

function ended(): Failure {
  return new Failure('request_malformed', { reason: 'the connection ended in the middle of a message' })
}

/** A message with its type byte (protocol 3.0): what follows the length is at most `most` bytes. */
export async function message(stream: Duplex, most: number): Promise<{ type: string; body: Buffer }> {
  const head = await exactly(stream, 5)
  const size = head.readUInt32BE(1) - 4
  if (size < 0 || size > most)
    throw new Failure('request_malformed', { detail: 'A message has a length that it may not have.' })
  return { type: String.fromCharCode(head[0] ?? 0), body: await exactly(stream, size) }
}

/** A message to send: texts are UTF-8 and end with a zero byte, buffers stand as they are. */
export function written(type: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const bodies = parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part))
  const size = bodies.reduce((sum, body) => sum + body.length, 4)
  const head = Buffer.alloc(type.length + 4)
  head.write(type, 'latin1')
  head.writeUInt32BE(size, type.length)
  return Buffer.concat([head, ...bodies])
}

/** A 32-bit number as the protocol writes it. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** The text that begins at `from` and ends with a zero byte before `until`, and where the next one begins. */
export function textAt(
  bytes: Buffer,
  from: number,
  until: number,
): { readonly text: string; readonly next: number } {
  const zero = bytes.indexOf(0, from)
  if (zero === -1 || zero >= until)
    throw new Failure('request_malformed', { detail: 'A message has a text without an end.' })
  const text = bytes.toString('utf8', from, zero)
  return { text, next: zero + 1 }
}
