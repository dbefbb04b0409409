import { createHmac } from 'node:crypto'
import type { Mask, ResultLimits } from '@mayfly/policy/statements'
import { Failure } from '../../../base/failure.ts'

/** What holds for the rows of one statement. More of them than `rows` are an error. */
export type ResultRule = ResultLimits

/**
 * A DataRow with its masked values replaced. `binary`: whether a column comes in a form of its type's own, where only
 * NULL is understood. `key`: what hashes are made with; without it nobody can try values.
 */
export function maskedRow(
  row: Buffer,
  masks: ReadonlyMap<number, Mask>,
  binary: (column: number) => boolean,
  key: Uint8Array,
): Buffer {
  const count = row.readUInt16BE(5)
  const pieces: Buffer[] = [row.subarray(5, 7)]
  let at = 7
  for (let column = 0; column < count; column++) {
    const size = row.readInt32BE(at)
    const next = at + 4 + Math.max(size, 0)
    const mask = masks.get(column)
    if (mask === undefined || size < 0) pieces.push(row.subarray(at, next))
    else pieces.push(...value(row.subarray(at + 4, next), binary(column) ? 'null' : mask, key))
    at = next
  }
  if (at !== row.length) throw new Failure('internal', { reason: 'a row is not as long as its values' })
  const head = Buffer.from('D\0\0\0\0', 'latin1')
  head.writeUInt32BE(
    pieces.reduce((sum, piece) => sum + piece.length, 4),
    1,
  )
  return Buffer.concat([head, ...pieces])
}

function value(bytes: Buffer, mask: Mask, key: Uint8Array): readonly Buffer[] {
  if (mask === 'null') return [Buffer.from([0xff, 0xff, 0xff, 0xff])]
  const text = Buffer.from(textOf(bytes, mask, key))
  const size = Buffer.alloc(4)
  size.writeInt32BE(text.length)
  return [size, text]
}

function textOf(bytes: Buffer, mask: Exclude<Mask, 'null'>, key: Uint8Array): string {
  if (mask === 'text') return '****'
  if (mask === 'hash') return createHmac('sha256', key).update(bytes).digest('hex').slice(0, 32)
  const letters = [...bytes.toString('utf8')]
  // Of a short value the last four would be most of it.
  return letters.length < 8 ? '****' : `****${letters.slice(-4).join('')}`
}

/** Which columns of a portal come in binary, as its Bind asks (the codes at the message's end). */
export function binaryColumns(bind: Buffer, from: number): (column: number) => boolean {
  let at = from
  const count = () => {
    const found = bind.readUInt16BE(at)
    at += 2
    return found
  }
  const formats = count()
  at += 2 * formats
  for (let left = count(); left > 0; left--) at += 4 + Math.max(bind.readInt32BE(at), 0)
  const codes = Array.from({ length: count() }, count)
  const [only] = codes
  return (column) => (codes.length === 1 ? only : codes[column]) === 1
}
