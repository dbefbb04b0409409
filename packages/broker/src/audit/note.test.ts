import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { openCheckpoint, readCheckpoint, signCheckpoint } from './checkpoint.ts'
import {
  type LogSigner,
  openNote,
  parseVerifierKey,
  printVerifierKey,
  signNote,
  verifierKey,
} from './note.ts'

function newSigner(keyName: string): LogSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const x = publicKey.export({ format: 'jwk' }).x ?? ''
  return { keyName, publicKey: Buffer.from(x, 'base64url'), sign: (text) => sign(null, text, privateKey) }
}

const keyOf = (signer: LogSigner) => verifierKey(signer.keyName, signer.publicKey)
const ours = newSigner('broker.example/log')
const other = newSigner('witness.example')

test('the verifier key of the specification is read and its id recomputed', () => {
  const text = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
  const key = parseVerifierKey(text)
  assert.equal(key.name, 'example.com/foo')
  assert.equal(Buffer.from(verifierKey(key.name, key.publicKey).id).toString('hex'), '530d903a')
  assert.equal(printVerifierKey(key), text)
})

test('a verifier key whose id, type, length or name is wrong is refused', () => {
  const good = printVerifierKey(keyOf(ours))
  const [name, id, base64] = good.split('+', 3)
  assert.throws(() => parseVerifierKey(`${name}+00000000+${base64}`), TypeError)
  assert.throws(() => parseVerifierKey(`other+${id}+${good.split('+').slice(2).join('+')}`), TypeError)
  assert.throws(() => parseVerifierKey(good.slice(0, -4)), TypeError)
  assert.throws(() => parseVerifierKey(''), TypeError)
  assert.throws(() => verifierKey('with space', ours.publicKey), TypeError)
  assert.throws(() => verifierKey('with+plus', ours.publicKey), TypeError)
  assert.throws(() => verifierKey('', ours.publicKey), TypeError)
})

test('a note is opened by its key, and only with the same name and id', () => {
  const note = signNote('text\n', [ours])
  assert.equal(openNote(note, [keyOf(ours)]), 'text\n')
  assert.match(note, /^text\n\n\u2014 broker\.example\/log [A-Za-z0-9+/]+=*\n$/)
  assert.throws(() => openNote(note, [keyOf(other)]), /no trusted key/)
  assert.throws(() => openNote(note, [verifierKey('renamed', ours.publicKey)]), /no trusted key/)
  assert.throws(() => openNote(note, []), /no trusted key/)
})

test('unknown signatures are passed over, a wrong one of a known key refuses the note', () => {
  const both = signNote('text\n', [other, ours])
  assert.equal(openNote(both, [keyOf(ours)]), 'text\n')
  assert.equal(openNote(both, [keyOf(ours), keyOf(other)]), 'text\n')
  const forged = signNote('text\n', [ours, { ...other, sign: () => new Uint8Array(64) }])
  assert.equal(openNote(forged, [keyOf(ours)]), 'text\n')
  assert.throws(() => openNote(forged, [keyOf(ours), keyOf(other)]), /is wrong/)
})

test('a note is cut at its last empty line', () => {
  const text = 'first\n\nsecond\n'
  assert.equal(openNote(signNote(text, [ours]), [keyOf(ours)]), text)
})

test('every changed byte of a note with one signature is found', () => {
  const note = Buffer.from(signNote('text\nmore\n', [ours]))
  for (let at = 0; at < note.length; at++) {
    for (const mask of [1, 2, 4, 32, 128]) {
      const changed = Buffer.from(note)
      changed[at] = (changed[at] ?? 0) ^ mask
      assert.throws(() => openNote(changed.toString('utf8'), [keyOf(ours)]), TypeError, `byte ${at}`)
    }
  }
})

test('malformed notes are refused', () => {
  const good = signNote('text\n', [ours])
  const line = good.slice(good.indexOf('\u2014'))
  for (const bad of [
    '',
    '\n',
    'text\n',
    good.slice(0, -1),
    `${good}\n`,
    good.replace('\n\n', '\n'),
    `te\u0000xt\n\n${line}`,
    `${good}junk\n`,
  ]) {
    assert.throws(() => openNote(bad, [keyOf(ours)]), TypeError, JSON.stringify(bad))
  }
  assert.throws(() => openNote(`text\n\n${line.repeat(65)}`, [keyOf(ours)]), /too many/)
  assert.equal(openNote(`text\n\n${line.repeat(16)}`, [keyOf(ours)]), 'text\n')
  assert.throws(() => openNote(`${'x'.repeat(70_000)}\n\n${line}`, [keyOf(ours)]), TypeError)
  assert.throws(() => signNote('no newline', [ours]), TypeError)
})

test('a checkpoint holds origin, size and root, and is read back', () => {
  const checkpoint = { origin: 'broker.example/log', size: 12, root: new Uint8Array(32).fill(7) }
  const note = signCheckpoint(checkpoint, [ours])
  assert.match(note, /^broker\.example\/log\n12\nBwcH[A-Za-z0-9+/]{39}=\n\n\u2014 /)
  assert.deepEqual(openCheckpoint(note, [keyOf(ours)]), checkpoint)
  assert.deepEqual(readCheckpoint(note), checkpoint)
})

test('a checkpoint with another spelling of its size or root is refused, however well it is signed', () => {
  const root = Buffer.alloc(32).toString('base64')
  const texts = [
    `o\n012\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1e3\n${root}\n`,
    `o\n9007199254740993\n${root}\n`,
  ]
  texts.push(
    `o\n1\n${root.slice(0, -1)}\n`,
    `\n1\n${root}\n`,
    'o\n1\n',
    `o\n1\n${root}\n\nmore\n`,
    `o\n1\nAAAA\n`,
  )
  for (const text of texts) {
    assert.throws(() => openCheckpoint(signNote(text, [ours]), [keyOf(ours)]), TypeError, text)
  }
  assert.equal(openCheckpoint(signNote(`o\n1\n${root}\nextension\n`, [ours]), [keyOf(ours)]).size, 1)
})
