import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { joseOfDer, signEs256 } from './signature.ts'
import { thumbprint } from './thumbprint.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('every signature has 64 bytes and verifies by the form that JWS uses', () => {
  for (let i = 0; i < 1500; i++) {
    const input = `header.payload-${i}`
    const signature = signEs256(privateKey, input)
    assert.equal(signature.length, 64)
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
    assert.ok(verify('sha256', Buffer.from(input), key, signature), `signature ${i}`)
  }
})

const integer = (...bytes: number[]) => [0x02, bytes.length, ...bytes]
const der = (...content: number[]) => Uint8Array.from([0x30, content.length, ...content])

test('numbers that are short or have their high bit set keep their place', () => {
  const high = [0, 0x80, ...Array<number>(31).fill(7)]
  assert.equal(
    joseOfDer(der(...integer(1), ...integer(...high))).toString('hex'),
    `${'00'.repeat(31)}0180${'07'.repeat(31)}`,
  )
  assert.equal(
    joseOfDer(der(...integer(...high), ...integer(9))).toString('hex'),
    `80${'07'.repeat(31)}${'00'.repeat(31)}09`,
  )
})

test('what is not a P-256 signature is refused', () => {
  const good = sign('sha256', Buffer.from('x'), privateKey)
  const bad = [
    new Uint8Array(),
    good.subarray(0, good.length - 1),
    Buffer.concat([good, Buffer.from([0])]),
    der(...integer(1)),
    der(...integer(), ...integer(1)),
    der(...integer(1, ...Array<number>(32).fill(0)), ...integer(1)),
    der(...integer(...Array<number>(34).fill(0)), ...integer(1)),
    der(...integer(1), ...integer(1), ...integer(1)),
    der(...integer(1), 0x03, 1, 1),
  ]
  for (const each of bad) assert.throws(() => joseOfDer(each), RangeError)
})

/** RFC 7638 3.1. */
const rsa = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  alg: 'RS256',
  kid: '2011-04-29',
}

test('the thumbprint is the one of RFC 7638 and looks at required members alone', () => {
  assert.equal(thumbprint(rsa), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  // RFC 8037 A.3.
  const okp = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', d: 'ignored' }
  assert.equal(thumbprint(okp), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  assert.throws(() => thumbprint({ kty: 'oct', k: 'x' }), TypeError)
  assert.throws(() => thumbprint({ kty: 'EC', crv: 'P-256', x: 'x' }), TypeError)
})
