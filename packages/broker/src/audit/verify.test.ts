import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryLog, newLogSigner } from '../../../../test/fakes/log.ts'
import { canonicalJson } from '../base/canonical-json.ts'
import { leafHash } from '../base/merkle.ts'
import { signCheckpoint } from './checkpoint.ts'
import { exportJsonl } from './export/jsonl.ts'
import { printVerifierKey, verifierKey } from './note.ts'
import { verifyExport } from './verify.ts'

const signer = newLogSigner()
const key = printVerifierKey(verifierKey(signer.keyName, signer.publicKey))
const trusting = { trustedKeys: [key] }

function logOf(count: number): MemoryLog {
  const store = new MemoryLog(
    ...Array.from({ length: count }, (_, i) =>
      canonicalJson({ id: `au_${i}`, note: 'žluťoučký 🦋 \n', v: 1 }),
    ),
  )
  return store
}

async function noteOf(store: MemoryLog): Promise<string> {
  return signCheckpoint({ origin: 'broker.example/log', ...(await store.head()) }, [signer])
}

async function exported(store: MemoryLog): Promise<string[]> {
  return all(exportJsonl({ store, checkpoint: await noteOf(store), verifierKey: key }))
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) found.push(line)
  return found
}

const fileOf = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''))

async function* pieces(file: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size)
}

/** Where verifying stopped: `line`, or `line/index`; `ok` when it did not. */
async function placeOf(file: Uint8Array, options = trusting): Promise<string> {
  const result = await verifyExport(pieces(file), options)
  if (result.ok) return 'ok'
  return result.at.index === undefined ? `${result.at.line}` : `${result.at.line}/${result.at.index}`
}

const lineOf = (file: Uint8Array, at: number) => file.subarray(0, at).filter((byte) => byte === 10).length + 1

test('a whole log verifies, whatever its size and however the file is cut into pieces', async () => {
  for (const count of [0, 1, 2, 255, 256, 257, 512, 1_024, 1_300]) {
    const store = logOf(count)
    const file = fileOf(await exported(store))
    for (const size of [7, 65_536]) {
      const result = await verifyExport(pieces(file, size), trusting)
      assert.ok(result.ok, JSON.stringify(result))
      assert.deepEqual([result.size, result.trusted, result.origin], [count, true, 'broker.example/log'])
      assert.equal(result.root, Buffer.from((await store.head()).root).toString('base64'))
    }
  }
})

test('lines may be given as strings', async () => {
  const lines = await exported(logOf(300))
  const given = async function* () {
    yield* lines
  }
  assert.equal((await verifyExport(given(), trusting)).ok, true)
})

test('entries keep their exact bytes, whatever they are', async () => {
  const store = new MemoryLog('{}', '', 'two\nlines', '\r', '"}', '{"index":0')
  store.addBytes(Uint8Array.of(0xff, 0xfe, 0x0a))
  assert.equal(await placeOf(fileOf(await exported(store))), 'ok')
})

test('every changed byte of a file is found, and its line named', async () => {
  const store = logOf(5)
  store.addBytes(Uint8Array.of(0xff, 0))
  const file = fileOf(await exported(store))
  for (let at = 0; at < file.length; at++) {
    // 7 makes a line feed of a carriage return and the other way round.
    for (const mask of [1, 7, 32, 128]) {
      const changed = Buffer.from(file)
      changed[at] = (changed[at] ?? 0) ^ mask
      const [line] = (await placeOf(changed)).split('/')
      assert.equal(line, `${lineOf(file, at)}`, `byte ${at} ^ ${mask}`)
    }
  }
})

test('a changed byte is named in long files too', async () => {
  const file = fileOf(await exported(logOf(600)))
  await fc.assert(
    fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const changed = Buffer.from(file)
      changed[at] = (changed[at] ?? 0) ^ mask
      const [line] = (await placeOf(changed)).split('/')
      assert.equal(line, `${lineOf(file, at)}`)
    }),
    { numRuns: 150 },
  )
})

test('the entry is named where its bytes, its hash or its index were changed', async () => {
  const lines = await exported(logOf(20))
  const edit = (at: number, change: (line: string) => string) =>
    placeOf(fileOf(lines.map((line, i) => (i === at ? change(line) : line))))
  assert.equal(await edit(8, (line) => line.replace('au_7', 'au_8')), '9/7')
  assert.equal(await edit(8, (line) => line.replace(/"leaf":"./, '"leaf":"-')), '9/7')
  assert.equal(await edit(8, (line) => line.replace('"index":7', '"index":9')), '9/7')
  assert.equal(await edit(8, (line) => `${line} `), '9/7')
})

test('lines that were cut, swapped, doubled, added or left off are found at their place', async () => {
  const lines = await exported(logOf(300))
  const without = lines.toSpliced(50, 1)
  assert.equal(await placeOf(fileOf(without)), '51/49')
  const [tenth, eleventh] = [lines[10] ?? '', lines[11] ?? '']
  assert.equal(await placeOf(fileOf(lines.toSpliced(10, 2, eleventh, tenth))), '11/9')
  assert.equal(await placeOf(fileOf(lines.toSpliced(10, 0, tenth))), '12/10')
  assert.equal(await placeOf(fileOf(lines.toSpliced(257, 1))), '258')
  assert.equal(await placeOf(fileOf([...lines, lines.at(-1) ?? ''])), `${lines.length + 1}`)
  assert.equal(await placeOf(fileOf(lines.slice(0, 100))), '101/99')
  assert.equal(await placeOf(fileOf(lines).subarray(0, -5)), `${lines.length}`)
  assert.equal(await placeOf(fileOf(lines.slice(1))), '1')
  assert.equal(await placeOf(new Uint8Array()), '1')
  assert.equal(await placeOf(fileOf([...lines, ''])), `${lines.length + 1}`)
})

test('an entry that was changed together with its hash is found at the end of its 256, or by the root', async () => {
  const store = logOf(300)
  const lines = await exported(store)
  const forge = (index: number, line: number) => {
    const bytes = new TextEncoder().encode('{"forged":true}')
    const leaf = Buffer.from(leafHash(bytes)).toString('base64')
    return lines.toSpliced(line, 1, `{"index":${index},"leaf":"${leaf}","entry":{"forged":true}}`)
  }
  assert.equal(await placeOf(fileOf(forge(7, 8))), '258')
  assert.equal(await placeOf(fileOf(forge(290, 292))), `${lines.length + 1}`)
})

test('a database that was changed behind our back is found in its export', async () => {
  const store = logOf(300)
  const note = await noteOf(store)
  store.kept[42] = new TextEncoder().encode('{"forged":true}')
  const lines = await all(exportJsonl({ store, checkpoint: note, verifierKey: key }))
  assert.equal(await placeOf(fileOf(lines)), '44/42')
  store.kept.length = 100
  const cut = await all(exportJsonl({ store, checkpoint: note, verifierKey: key }))
  assert.equal(await placeOf(fileOf(cut.toSpliced(43, 1, (await exported(logOf(300)))[43] ?? ''))), '102/100')
})

test('a file signed by another key is refused where keys are trusted, and marked where none is', async () => {
  const stranger = newLogSigner()
  const store = logOf(3)
  const checkpoint = signCheckpoint({ origin: 'broker.example/log', ...(await store.head()) }, [stranger])
  const verifier = printVerifierKey(verifierKey(stranger.keyName, stranger.publicKey))
  const file = fileOf(await all(exportJsonl({ store, checkpoint, verifierKey: verifier })))
  assert.equal(await placeOf(file), '1')
  const alone = await verifyExport(pieces(file))
  assert.ok(alone.ok && !alone.trusted)
  const relabelled = file.toString('utf8').replaceAll(verifier, key)
  assert.equal(await placeOf(Buffer.from(relabelled)), '1')
})

test('a file must extend the checkpoint that the verifier holds', async () => {
  const store = logOf(300)
  const olderCheckpoint = await noteOf(store)
  const options = { ...trusting, olderCheckpoint }
  store.add('{"later":1}')
  assert.equal(await placeOf(fileOf(await exported(store)), options), 'ok')
  assert.equal(await placeOf(fileOf(await exported(logOf(299))), options), '1')
  const rewritten = logOf(299)
  rewritten.add('{"rewritten":1}', '{"later":1}')
  assert.equal(await placeOf(fileOf(await exported(rewritten))), 'ok')
  assert.equal(await placeOf(fileOf(await exported(rewritten)), options), '302/299')
  const unsigned = { ...trusting, olderCheckpoint: olderCheckpoint.replace('300', '299') }
  assert.equal(await placeOf(fileOf(await exported(store)), unsigned), '1')
})

test('a line without end does not fill the memory', async () => {
  const endless = async function* () {
    for (let i = 0; i < 10_000; i++) yield new Uint8Array(65_536).fill(32)
    assert.fail('read on')
  }
  const result = await verifyExport(endless(), trusting)
  assert.ok(!result.ok && /longer/.test(result.reason))
})
