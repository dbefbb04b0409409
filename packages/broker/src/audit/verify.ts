/**
 * verify: is an exported log whole? It owns the reading of what `export/jsonl.ts` writes: one pass, one line at a time,
 * any bytes at all. It opens no store, no network and no configuration, believes nothing that the file says about
 * itself beyond what the trusted keys signed, and mends nothing. `mayfly audit verify` and `mayfly policy replay` call
 * it; no part of the running broker does.
 */
import { canonicalJson, type Json } from '../base/canonical-json.ts'
import { Frontier, leafHash } from '../base/merkle.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { exportVersion, tileSize } from './export/jsonl.ts'
import { byteLines, LineFault } from './export/lines.ts'
import { decodeBase64, parseVerifierKey, type VerifierKey } from './note.ts'

export interface VerifyOptions {
  /** Verifier keys (`name+id+key`) that were obtained in another way than with the file. */
  readonly trustedKeys?: readonly string[]
  /** A checkpoint that was kept earlier, or got elsewhere: the file must extend it. */
  readonly olderCheckpoint?: string
}

export interface Sound {
  readonly ok: true
  readonly origin: string
  readonly size: number
  /** Base 64, as in the checkpoint. */
  readonly root: string
  readonly key: string
  /** False when no trusted key was given: then the file proves only that it fits itself. */
  readonly trusted: boolean
}

export interface Unsound {
  readonly ok: false
  /** The line (from 1) and, where there is one, the entry. */
  readonly at: { readonly line: number; readonly index?: number }
  readonly reason: string
}

/**
 * Verifies an exported log without any server: the signature, every entry's bytes, their order and number, and the
 * root over all of them; names the first place that does not fit. `file` are pieces of the file as bytes (a read
 * stream), or whole lines as strings. Reads in one pass and holds one line at a time.
 */
export async function verifyExport(
  file: AsyncIterable<Uint8Array | string>,
  options: VerifyOptions = {},
): Promise<Sound | Unsound> {
  const place = { line: 1 }
  try {
    const lines = byteLines(file)
    const first = await lines.next()
    if (first.done === true) throw new Fault('the file is empty')
    const header = readHeader(first.value.toString('utf8'), first.value, options)
    const replay = new Replay(header.checkpoint, header.older)
    for await (const line of lines) {
      place.line++
      replay.take(line)
    }
    place.line++
    replay.finish()
    const { origin, size, root } = header.checkpoint
    const trusted = (options.trustedKeys ?? []).length > 0
    return { ok: true, origin, size, root: Buffer.from(root).toString('base64'), key: header.key, trusted }
  } catch (thrown) {
    if (thrown instanceof LineFault) return { ok: false, at: { line: thrown.line }, reason: thrown.message }
    if (!(thrown instanceof Fault)) throw thrown
    const { index } = thrown
    return { ok: false, at: index === undefined ? place : { ...place, index }, reason: thrown.message }
  }
}

class Fault extends Error {
  readonly index: number | undefined

  constructor(reason: string, index?: number) {
    super(reason)
    this.name = 'Fault'
    this.index = index
  }
}

interface Header {
  readonly checkpoint: Checkpoint
  readonly key: string
  readonly older?: Checkpoint
}

function readHeader(text: string, bytes: Uint8Array, options: VerifyOptions): Header {
  const { checkpoint, format, key } = parseHeader(text)
  // One spelling only, so that no changed byte can mean the same.
  const written = canonicalJson({ checkpoint, format, key })
  if (Buffer.compare(Buffer.from(written), bytes) !== 0)
    throw new Fault('the first line is not as it was written')
  if (format !== exportVersion)
    throw new Fault(`the format is ${format}; this verifier knows ${exportVersion}`)
  const own = asKey(key)
  const trusted = (options.trustedKeys ?? []).map(asKey)
  if (trusted.length > 0 && !trusted.some((each) => sameKey(each, own))) {
    throw new Fault('the key in the file is not one of the trusted keys')
  }
  const opened = openSigned(checkpoint, [own])
  if (options.olderCheckpoint === undefined) return { checkpoint: opened, key }
  const older = openSigned(
    options.olderCheckpoint,
    trusted.length > 0 ? trusted : [own],
    'the older checkpoint: ',
  )
  if (older.origin !== opened.origin) throw new Fault('the older checkpoint is of another log')
  if (older.size > opened.size) {
    throw new Fault(`the file has ${opened.size} entries; the checkpoint that you hold has ${older.size}`)
  }
  return { checkpoint: opened, key, older }
}

function parseHeader(text: string): { checkpoint: string; format: string; key: string } {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    throw new Fault('the first line is not JSON')
  }
  const { checkpoint, format, key } = { ...(value as Record<string, Json>) }
  if (typeof checkpoint !== 'string' || typeof format !== 'string' || typeof key !== 'string') {
    throw new Fault('the first line lacks the checkpoint, the format or the key')
  }
  return { checkpoint, format, key }
}

function asKey(text: string): VerifierKey {
  try {
    return parseVerifierKey(text)
  } catch {
    throw new Fault(`not a verifier key: ${text.slice(0, 100)}`)
  }
}

function sameKey(one: VerifierKey, other: VerifierKey): boolean {
  return one.name === other.name && Buffer.compare(one.publicKey, other.publicKey) === 0
}

function openSigned(note: string, keys: readonly VerifierKey[], what = ''): Checkpoint {
  try {
    return openCheckpoint(note, keys)
  } catch (thrown) {
    throw new Fault(`${what}${thrown instanceof Error ? thrown.message : 'not a checkpoint'}`)
  }
}

const entryPattern = /^\{"index":(0|[1-9][0-9]{0,15}),"leaf":"([A-Za-z0-9+/]{43}=)","(entry|base64)":/
const tilePattern = /^\{"tile":(0|[1-9][0-9]{0,15}),"hash":"([A-Za-z0-9+/]{43}=)"\}$/

/** Takes the lines one after the other and grows the tree that they make. */
class Replay {
  readonly #checkpoint: Checkpoint
  readonly #older: Checkpoint | undefined
  readonly #tree = new Frontier()
  #tile = new Frontier()
  #tiles = 0

  constructor(checkpoint: Checkpoint, older: Checkpoint | undefined) {
    this.#checkpoint = checkpoint
    this.#older = older
    this.#meetOlder()
  }

  take(line: Buffer): void {
    if (this.#tile.size === tileSize) this.#takeTile(line)
    else this.#takeEntry(line)
  }

  finish(): void {
    const { size, root } = this.#checkpoint
    const index = this.#tree.size
    if (index < size) throw new Fault(`the file ends after ${index} of ${size} entries`, index)
    if (this.#tile.size === tileSize) throw new Fault('the last line is missing')
    if (Buffer.compare(this.#tree.root(), root) !== 0) {
      throw new Fault('each line fits itself, but together they are not what was signed')
    }
  }

  #takeEntry(line: Buffer): void {
    const index = this.#tree.size
    if (index === this.#checkpoint.size) throw new Fault('a line follows the last signed entry')
    const found = entryPattern.exec(line.toString('latin1', 0, 120))
    if (found === null || line.at(-1) !== 0x7d) throw new Fault('not the line of an entry', index)
    if (Number(found[1]) !== index) throw new Fault(`here is entry ${found[1]} instead of ${index}`, index)
    const value = line.subarray(found[0].length, -1)
    const bytes = found[3] === 'entry' ? value : decodeQuoted(value)
    if (bytes === undefined || (found[3] === 'entry' && bytes.length === 0)) {
      throw new Fault('not the line of an entry', index)
    }
    const leaf = leafHash(bytes)
    if (Buffer.from(leaf).toString('base64') !== found[2]) {
      throw new Fault(`entry ${index} is not what was recorded: its bytes and its hash differ`, index)
    }
    this.#tree.append(leaf)
    this.#tile.append(leaf)
    this.#meetOlder()
  }

  #takeTile(line: Buffer): void {
    const found = tilePattern.exec(line.toString('latin1'))
    const first = this.#tiles * tileSize
    const range = `entries ${first} to ${first + tileSize - 1}`
    if (found === null || Number(found[1]) !== this.#tiles) throw new Fault(`not the line that ends ${range}`)
    if (Buffer.from(this.#tile.root()).toString('base64') !== found[2]) {
      throw new Fault(`${range} are not what was recorded, or their common hash was changed`)
    }
    this.#tile = new Frontier()
    this.#tiles++
  }

  #meetOlder(): void {
    const older = this.#older
    if (older === undefined || older.size !== this.#tree.size) return
    if (Buffer.compare(this.#tree.root(), older.root) !== 0) {
      const reason = `the first ${older.size} entries are not those of the checkpoint that you hold`
      throw new Fault(reason, Math.max(0, older.size - 1))
    }
  }
}

function decodeQuoted(value: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(value).toString('latin1')
  if (text === '""') return new Uint8Array()
  return /^".*"$/.test(text) ? decodeBase64(text.slice(1, -1)) : undefined
}
