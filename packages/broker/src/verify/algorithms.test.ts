import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { newSigningKey, signatureOf } from '../../../../test/fakes/signing-key.ts'
import { type AlgorithmName, algorithmOf, algorithms } from './algorithms.ts'

const names = Object.keys(algorithms) as AlgorithmName[]
const rsa = newSigningKey('rsa')
const keys = new Map(
  names.map((name) => [name, algorithms[name].keyType === 'RSA' ? rsa : newSigningKey(name, name)]),
)

test('each algorithm verifies its own signatures, and none of another or of other bytes', () => {
  for (const [signer, key] of keys) {
    const signature = signatureOf(key, 'signed', signer)
    for (const name of names) {
      const verifier = keys.get(name)
      // Another type of key is turned away before: the key decides the algorithm.
      if (verifier === undefined || algorithms[name].keyType !== algorithms[signer].keyType) continue
      const publicKey = createPublicKey(verifier.privateKey)
      const good = algorithms[name].verify(Buffer.from('signed'), publicKey, signature)
      assert.equal(good, name === signer, `${signer} by ${name}`)
      assert.equal(algorithms[name].verify(Buffer.from('signee'), publicKey, signature), false)
      assert.equal(algorithms[name].verify(Buffer.from('signed'), publicKey, Buffer.alloc(0)), false)
    }
  }
})

test('names are compared exactly, and symmetric ones and none do not exist', () => {
  for (const name of names) assert.equal(algorithmOf(name), algorithms[name])
  for (const name of [
    'none',
    'HS256',
    'HS512',
    'rs256',
    'RS256 ',
    '',
    'toString',
    '__proto__',
    'ES512',
    'RSA1_5',
  ])
    assert.equal(algorithmOf(name), undefined, name)
})
