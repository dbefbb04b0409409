/** A line that could not be read: too long, or the file ends inside it. */
export class LineFault extends Error {
  readonly line: number

  constructor(line: number, reason: string) {
    super(reason)
    this.name = 'LineFault'
    this.line = line
  }
}

const longest = 1_048_576
const newline = 10

/**
 * Lines of a file as bytes, without their end. Only `\n` ends a line: a reader that also takes `\r` would not see
 * one become the other. Pieces that are strings are whole lines already. Throws `LineFault`.
 */
export async function* byteLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 1
  for await (const piece of pieces) {
    if (typeof piece === 'string') {
      yield Buffer.from(piece)
      line++
      continue
    }
    const bytes = rest.length === 0 ? toBuffer(piece) : Buffer.concat([rest, piece])
    let from = 0
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      yield bytes.subarray(from, end)
      from = end + 1
      line++
    }
    rest = bytes.subarray(from)
    if (rest.length > longest) throw new LineFault(line, 'the line is longer than any that we write')
  }
  if (rest.length > 0) throw new LineFault(line, 'the file ends inside this line')
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
