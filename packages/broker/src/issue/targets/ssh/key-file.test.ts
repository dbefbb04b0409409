import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeKey, sshFolder, sshKeygen } from '../../../../../../test/fakes/sshd.ts'
import { blobOfLine } from './authority.ts'
import { publicBlob, readPrivateKey, writePrivateKey } from './key-file.ts'

const folder = sshFolder()
after(() => rmSync(folder, { recursive: true, force: true }))

const kinds = {
  Ed25519: ['-t', 'ed25519'],
  'ECDSA P-256': ['-t', 'ecdsa', '-b', '256'],
  RSA: ['-t', 'rsa', '-b', '2048'],
}

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name} keys are read as ssh-keygen writes them, in each of its formats`, async () => {
    for (const format of ['RFC4716', 'PKCS8', 'PEM']) {
      // Ed25519 has no other format than its own.
      if (name === 'Ed25519' && format !== 'RFC4716') continue
      const made = await makeKey(folder, ...kind, '-m', format)
      const blob = publicBlob(createPublicKey(readPrivateKey(made.privateKey)))
      assert.deepEqual(blob, blobOfLine(made.publicKey), format)
    }
  })
}

test('numbers that begin with zeros are read, which OpenSSH writes shorter', async () => {
  for (const member of ['d', 'x', 'y'] as const) {
    const zero = () => {
      for (;;) {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const jwk = privateKey.export({ format: 'jwk' })
        if (Buffer.from(jwk[member] ?? '', 'base64url')[0] === 0) return privateKey
      }
    }
    const made = zero()
    const path = join(folder, `zero-${member}`)
    writeFileSync(path, made.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    // Rewrites the file in OpenSSH's own format.
    await sshKeygen('-q', '-p', '-P', '', '-N', '', '-f', path)
    const text = readFileSync(path, 'utf8')
    assert.match(text, /BEGIN OPENSSH PRIVATE KEY/)
    assert.deepEqual(readPrivateKey(text).export({ format: 'jwk' }), made.export({ format: 'jwk' }))
  }
})

test('PKCS#8 keys of all three kinds are read', () => {
  const made = [
    generateKeyPairSync('ed25519').privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ]
  for (const key of made) {
    const pem = String(key.export({ type: 'pkcs8', format: 'pem' }))
    assert.deepEqual(publicBlob(createPublicKey(readPrivateKey(pem))), publicBlob(createPublicKey(key)))
  }
})

test('a key that is locked, cut, or of another kind is refused in words that hold nothing of it', async () => {
  const good = await makeKey(folder, '-t', 'ed25519')
  const locked = await makeKey(folder, '-t', 'ed25519', '-N', 'a passphrase')
  const curve = await makeKey(folder, '-t', 'ecdsa', '-b', '384')
  const pem = generateKeyPairSync('ed25519').privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  })
  const cases: [string, RegExp][] = [
    [locked.privateKey, /locked by a passphrase/],
    [String(pem), /locked by a passphrase/],
    [curve.privateKey, /of a type that cannot be used here/],
    [good.privateKey.slice(0, 200), /damaged/],
    [good.publicKey, /neither an OpenSSH private key nor one in PEM/],
    ['', /neither/],
  ]
  for (const [text, message] of cases) {
    assert.throws(
      () => readPrivateKey(text),
      (thrown: Error) => message.test(thrown.message) && thrown.message.length < 120,
    )
  }
})

test('ssh-keygen opens the file of every key that we write, and we read it back', async () => {
  for (const comment of ['ls_1', 'a comment of another length', '']) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const path = join(folder, `written-${comment.length}`)
    const text = writePrivateKey(privateKey, comment, randomBytes(4))
    writeFileSync(path, text, { mode: 0o600 })
    assert.deepEqual(blobOfLine(await sshKeygen('-y', '-P', '', '-f', path)), publicBlob(publicKey))
    assert.deepEqual(readPrivateKey(text).export({ format: 'jwk' }), privateKey.export({ format: 'jwk' }))
    assert.ok(text.split('\n').every((line) => line.length <= 70))
  }
})
