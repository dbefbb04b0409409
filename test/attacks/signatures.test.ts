/** Algorithms and signatures that prove nothing. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { constants, createHash, createHmac, createPublicKey, privateEncrypt, sign } from 'node:crypto'
import { test } from 'node:test'
import { algorithms } from '../../packages/broker/src/verify/algorithms.ts'
import { openSubjectVerifier } from '../../packages/broker/src/verify/subject.ts'
import { fakeTools } from '../fakes/clock.ts'
import { ours, start } from '../fakes/platform-claims.ts'
import { newSigningKey, part, signatureOf, signToken } from '../fakes/signing-key.ts'
import { githubScene, issuerWith, refuses, rsaKey } from './verification.ts'

const { verifier, token } = githubScene()
const good = token()
const [head = '', body = '', signature = ''] = good.split('.')

test('A47 no algorithm, none in any case, and names that are almost right are refused', async () => {
  const names = [
    'none',
    'None',
    'nOnE',
    'NONE',
    '',
    'rs256',
    'RS256 ',
    'RS257',
    '__proto__',
    'toString',
    null,
    1,
    ['RS256'],
  ]
  for (const alg of [...names, undefined]) {
    await refuses(verifier, token({}, { alg }), /algorithm/)
    const unsigned = `${part(JSON.stringify({ alg, kid: rsaKey.kid }))}.${body}`
    await refuses(verifier, `${unsigned}.`, /not a compact JWS/)
    await refuses(verifier, `${unsigned}.AA`, /algorithm/)
  }
})

test('A47 an algorithm that is sound, but not this issuer’s, is refused', async () => {
  for (const alg of ['RS384', 'RS512', 'PS256'] as const) {
    const signed = `${part(JSON.stringify({ alg, kid: rsaKey.kid }))}.${body}`
    const made = signatureOf(rsaKey, signed, alg).toString('base64url')
    await refuses(verifier, `${signed}.${made}`, /algorithm that this issuer does not use/)
  }
})

test('A48 a token signed symmetrically with the public key is refused', async () => {
  const key = createPublicKey(rsaKey.privateKey)
  const spki = { type: 'spki' } as const
  const secrets = [
    key.export({ ...spki, format: 'pem' }),
    String(key.export({ ...spki, format: 'pem' })).trimEnd(),
    key.export({ ...spki, format: 'der' }),
    key.export({ type: 'pkcs1', format: 'pem' }),
    key.export({ type: 'pkcs1', format: 'der' }),
    JSON.stringify(rsaKey.jwk),
    Buffer.from(String(rsaKey.jwk['n']), 'base64url'),
    '',
  ]
  for (const alg of ['HS256', 'RS256']) {
    for (const secret of secrets) {
      const signed = `${part(JSON.stringify({ alg, kid: rsaKey.kid, typ: 'JWT' }))}.${body}`
      const made = createHmac('sha256', secret).update(signed).digest('base64url')
      await refuses(verifier, `${signed}.${made}`, alg === 'HS256' ? /algorithm/ : /signature/)
    }
  }
})

test('A65 RSA: a signature that is cut, longer, zero or as large as the modulus is refused', async () => {
  const bytes = Buffer.from(signature, 'base64url')
  const modulus = Buffer.from(String(rsaKey.jwk['n']), 'base64url')
  const larger = Buffer.from(
    (BigInt(`0x${bytes.toString('hex')}`) + BigInt(`0x${modulus.toString('hex')}`))
      .toString(16)
      .padStart(514, '0'),
    'hex',
  )
  const variants = [
    bytes.subarray(1),
    bytes.subarray(0, -1),
    Buffer.concat([Buffer.of(0), bytes]),
    Buffer.concat([bytes, Buffer.of(0)]),
    Buffer.alloc(256),
    Buffer.alloc(256, 0xff),
    Buffer.concat([Buffer.alloc(255), Buffer.of(1)]),
    Buffer.of(0),
    modulus,
    larger,
    bytes.map((byte, i) => (i === 200 ? byte ^ 1 : byte)),
  ]
  for (const each of variants)
    await refuses(
      verifier,
      `${head}.${body}.${Buffer.from(each).toString('base64url')}`,
      /signature is wrong/,
    )
})

test('A65 RSA: padding that is not exactly that of PKCS #1 v1.5 is refused', async () => {
  const digest = createHash('sha256').update(`${head}.${body}`).digest()
  const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const info = Buffer.concat([prefix, digest])
  const raw = (block: Buffer) =>
    privateEncrypt({ key: rsaKey.privateKey, padding: constants.RSA_NO_PADDING }, block).toString('base64url')
  const block = (type: number, fill: number, tail: Buffer) =>
    Buffer.concat([Buffer.of(0, type), Buffer.alloc(256 - 3 - tail.length, fill), Buffer.of(0), tail])
  await verifier.verify(`${head}.${body}.${raw(block(1, 0xff, info))}`)
  const short = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(8, 0xff), Buffer.of(0), info])
  const blocks = [
    Buffer.concat([short, Buffer.alloc(256 - short.length)]), // Bleichenbacher 2006: rubbish after the digest
    Buffer.concat([Buffer.of(0, 1, 0), Buffer.alloc(256 - 3 - info.length), info]),
    block(2, 0xff, info),
    block(0, 0, info),
    block(1, 0xfe, info),
    block(1, 0xff, digest), // no DigestInfo
    block(
      1,
      0xff,
      Buffer.concat([Buffer.from('302f300b0609608648016503040201', 'hex'), Buffer.of(4, 32), digest]),
    ), // no NULL
    block(1, 0xff, Buffer.concat([Buffer.from('3031300d060960864801650304020205000420', 'hex'), digest])), // SHA-384's name
    block(1, 0xff, Buffer.concat([Buffer.from('308131300d060960864801650304020105000420', 'hex'), digest])), // BER length
    block(1, 0xff, Buffer.concat([info, Buffer.of(0)])),
  ]
  for (const each of blocks) {
    assert.equal(each.length, 256)
    await refuses(verifier, `${head}.${body}.${raw(each)}`, /signature is wrong/)
  }
  const pss = { key: rsaKey.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }
  const made = sign('sha256', Buffer.from(`${head}.${body}`), pss).toString('base64url')
  await refuses(verifier, `${head}.${body}.${made}`, /signature is wrong/)
  const sha1 = sign('sha1', Buffer.from(`${head}.${body}`), rsaKey.privateKey).toString('base64url')
  await refuses(verifier, `${head}.${body}.${sha1}`, /signature is wrong/)
})

test('A65 ECDSA: r or s of zero or of the order, another encoding and another length are refused', async () => {
  for (const [algorithm, half] of [
    ['ES256', 32],
    ['ES384', 48],
  ] as const) {
    const key = newSigningKey('ec', algorithm)
    const preset = algorithm === 'ES256' ? 'kubernetes' : 'aws'
    const tools = fakeTools()
    const settings = { preset, issuer: ecIssuers[preset], jwks: { keys: [key.jwk] } }
    const verifier = openSubjectVerifier([issuerWith(settings, tools)], { url: ours })
    const made = signToken(key, ecClaims[preset])
    await verifier.verify(made)
    const [head = '', body = '', signature = ''] = made.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const [r, s] = [bytes.subarray(0, half), bytes.subarray(half)]
    const [zero, one, full] = [Buffer.alloc(half), Buffer.alloc(half), Buffer.alloc(half, 0xff)]
    one[half - 1] = 1
    const order = Buffer.from(orders[algorithm], 'hex')
    const der = sign(`sha${algorithm.slice(2)}`, Buffer.from(`${head}.${body}`), key.privateKey)
    const variants = [
      [zero, zero],
      [zero, s],
      [r, zero],
      [one, one],
      [order, order],
      [r, order],
      [order, s],
      [full, full],
      [s, r],
      [Buffer.of(0), r, s],
      [r, s, Buffer.of(0)],
      [Buffer.of(0), r, Buffer.of(0), s],
      [r],
      [r, s.subarray(1)],
      [der],
      [zero],
      [Buffer.of(0)],
    ]
    for (const each of variants) {
      const spoilt = Buffer.concat(each).toString('base64url')
      await refuses(verifier, `${head}.${body}.${spoilt}`, /signature is wrong/)
    }
  }
})

test('A65 EdDSA: a signature of another length, of zeros or with s beyond the order is refused', () => {
  const key = newSigningKey('ed', 'Ed25519')
  const signed = Buffer.from('signed')
  const bytes = signatureOf(key, 'signed')
  const publicKey = createPublicKey(key.privateKey)
  const order = (1n << 252n) + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`)
  const beyond = Buffer.from((s + order).toString(16).padStart(64, '0'), 'hex').reverse()
  const verifies = (signature: Uint8Array) => algorithms.Ed25519.verify(signed, publicKey, signature)
  assert.ok(verifies(bytes))
  const variants = [
    Buffer.alloc(64),
    bytes.subarray(1),
    Buffer.concat([bytes, Buffer.of(0)]),
    Buffer.concat([bytes.subarray(0, 32), beyond]),
    Buffer.alloc(0),
  ]
  for (const each of variants) assert.equal(verifies(each), false)
})

/** Orders of the curves' groups (SEC 2 2.4.2, 2.5.1). */
const orders = {
  ES256: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ES384: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
}

const ecIssuers = {
  kubernetes: 'https://cluster.acme.example',
  aws: 'https://1f2e3d4c.tokens.sts.global.api.aws',
}

const times = { aud: ours, iat: start, exp: start + 300 }
const ecClaims = {
  kubernetes: {
    ...times,
    iss: ecIssuers.kubernetes,
    sub: 'system:serviceaccount:build:deployer',
    'kubernetes.io': { namespace: 'build', serviceaccount: { name: 'deployer', uid: 'u-1' } },
  },
  aws: {
    ...times,
    iss: ecIssuers.aws,
    sub: 'arn:aws:iam::111122223333:role/deployer',
    'https://sts.amazonaws.com/': { aws_account: '111122223333' },
  },
}
