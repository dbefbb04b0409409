import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { testProviderFaults } from '../../../../../../test/conformance/provider-faults.ts'
import { type KmsFake, kmsFor } from '../../../../../../test/fakes/aws-kms.ts'
import { asFailure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import { openEnvelope, sealEnvelope } from '../../envelope.ts'
import { type AwsKmsParts, openAwsKmsWrap } from './aws-kms.ts'
import { awsKmsWrap } from './settings.ts'

const region = 'eu-central-1'
const user = { id: 'AKIAMAYFLYBROKER0001', secret: randomBytes(30).toString('base64') }
const [keyId, otherKey] = [randomUUID(), `mrk-${randomBytes(16).toString('hex')}`]
const arnOf = (id: string) => `arn:aws:kms:${region}:111122223333:key/${id}`

function kms(t: TestContext): Promise<KmsFake> {
  return kmsFor(t, {
    now: Date.now,
    region,
    users: { [user.id]: user.secret },
    keys: [keyId, otherKey],
  })
}

function open(
  fake: Pick<KmsFake, 'url'>,
  over: Partial<AwsKmsParts> & { secret?: string; place?: string } = {},
) {
  const settings = {
    region: over.place ?? region,
    endpoint: fake.url,
    access_key_id: user.id,
    secret_access_key: new Secret(over.secret ?? user.secret),
  }
  return openAwsKmsWrap({ settings, keyId, tools: { now: Date.now }, ...over })
}

testProviderFaults('aws_kms', {
  place: kms,
  once: (place, answerMs) => open({ url: place }, { answerMs }).wrap('secret npm', randomBytes(32)),
  questions: 1,
})

test('a key that KMS wrapped opens in its own context, by its id or its ARN', async (t) => {
  const fake = await kms(t)
  for (const id of [keyId, otherKey, arnOf(keyId), arnOf(otherKey)]) {
    const key = randomBytes(32)
    const wrapped = await open(fake, { keyId: id }).wrap('secret npm', key)
    assert.ok(!Buffer.from(wrapped).includes(key))
    assert.deepEqual(Buffer.from(await open(fake, { keyId: id }).unwrap('secret npm', wrapped)), key)
  }
})

test('an envelope under KMS opens nowhere else, and KMS sees its key and no secret', async (t) => {
  const fake = await kms(t)
  const secret = `npm_${randomBytes(18).toString('hex')}`
  const sealed = await sealEnvelope(open(fake), 'secret npm', Buffer.from(secret), { randomBytes })
  assert.equal(Buffer.from(await openEnvelope(open(fake), 'secret npm', sealed)).toString(), secret)
  await assert.rejects(openEnvelope(open(fake), 'secret pypi', sealed), {
    code: 'internal',
    reason: /InvalidCiphertextException/,
  })
  assert.deepEqual(
    fake.asked.map(({ action, content }) => [action, content.KeyId, content.EncryptionContext]),
    ['Encrypt', 'Decrypt'].map((action) => [action, keyId, { mayfly: 'secret npm' }]),
  )
  for (const body of fake.bodies) {
    assert.ok(!body.includes(secret))
    assert.ok(!body.includes(Buffer.from(secret).toString('base64')))
  }
})

test('the client of AWS, unchanged, opens what we wrapped, and we what it did, and the stand-in refuses both alike', async (t) => {
  const fake = await kms(t)
  const credentials = { accessKeyId: user.id, secretAccessKey: user.secret }
  const client = new KMSClient({ region, endpoint: fake.url, credentials, maxAttempts: 1 })
  t.after(() => client.destroy())
  const key = randomBytes(32)
  const own = await open(fake).wrap('secret npm', key)
  const there = { KeyId: keyId, EncryptionContext: { mayfly: 'secret npm' } }
  const opened = await client.send(new DecryptCommand({ ...there, CiphertextBlob: own }))
  assert.deepEqual(Buffer.from(opened.Plaintext ?? []), key)
  const { CiphertextBlob: made } = await client.send(new EncryptCommand({ ...there, Plaintext: key }))
  assert.deepEqual(Buffer.from(await open(fake).unwrap('secret npm', made ?? key)), key)
  const elsewhere = { ...there, EncryptionContext: { mayfly: 'secret pypi' }, CiphertextBlob: own }
  await assert.rejects(client.send(new DecryptCommand(elsewhere)), { name: 'InvalidCiphertextException' })
  const strange = { ...credentials, secretAccessKey: randomBytes(30).toString('base64') }
  const other = new KMSClient({ region, endpoint: fake.url, credentials: strange, maxAttempts: 1 })
  t.after(() => other.destroy())
  const asked = other.send(new DecryptCommand({ ...there, CiphertextBlob: own }))
  await assert.rejects(asked, { name: 'InvalidSignatureException' })
})

test('what another key wrapped, and what nobody wrapped, does not open', async (t) => {
  const fake = await kms(t)
  const wrapped = await open(fake).wrap('c', randomBytes(32))
  await assert.rejects(open(fake, { keyId: otherKey }).unwrap('c', wrapped), {
    code: 'internal',
    reason: /IncorrectKeyException/,
  })
  await assert.rejects(open(fake).unwrap('c', randomBytes(200)), { code: 'internal' })
})

test('a wrong secret, another region, a clock that is off and a key that is disabled are unavailable, with the code of AWS', async (t) => {
  const fake = await kms(t)
  const wrapped = await open(fake).wrap('c', randomBytes(32))
  const offBy = (ms: number) => ({ tools: { now: () => Date.now() + ms } })
  for (const [over, word] of [
    [{ secret: randomBytes(30).toString('base64') }, /400: InvalidSignatureException/],
    [{ place: 'us-east-1' }, /400: InvalidSignatureException/],
    [offBy(6 * 60_000), /400: InvalidSignatureException/],
    [offBy(-6 * 60_000), /400: InvalidSignatureException/],
    [{ keyId: randomUUID() }, /400: NotFoundException/],
  ] as const)
    await assert.rejects(open(fake, over).unwrap('c', wrapped), {
      code: 'provider_unavailable',
      reason: word,
    })
  await open(fake, offBy(4 * 60_000)).unwrap('c', wrapped)
  fake.disable(keyId, true)
  await assert.rejects(open(fake).unwrap('c', wrapped), {
    code: 'provider_unavailable',
    reason: /DisabledException/,
  })
  fake.disable(keyId, false)
  await open(fake).unwrap('c', wrapped)
})

test('whatever KMS answers that is no answer is unavailable, and nothing of it is shown', async (t) => {
  const fake = await kms(t)
  const wrapped = await open(fake).wrap('c', randomBytes(32))
  const shown = randomBytes(16).toString('hex')
  const good = JSON.stringify({ KeyId: arnOf(keyId), Plaintext: randomBytes(32).toString('base64') })
  const answers: readonly (readonly [number, string, 'cut'?])[] = [
    [400, JSON.stringify({ __type: 'ThrottlingException', message: shown })],
    [400, JSON.stringify({ __type: `com.amazonaws.kms#LimitExceededException`, message: shown })],
    [400, JSON.stringify({ __type: `${shown} and more`, message: shown })],
    [500, JSON.stringify({ __type: 'KMSInternalException', message: shown })],
    [503, shown],
    [302, good],
    [200, shown],
    [200, '{}'],
    [200, JSON.stringify({ KeyId: arnOf(otherKey), Plaintext: 'AAAA' })],
    [200, JSON.stringify({ KeyId: arnOf(keyId), Plaintext: `${shown}!` })],
    [200, JSON.stringify({ KeyId: arnOf(keyId), Plaintext: 'A'.repeat(70_000) })],
    [200, good, 'cut'],
  ]
  for (const answer of answers) {
    fake.answerNext(...answer)
    const thrown = await open(fake)
      .unwrap('c', wrapped)
      .then(() => assert.fail(`${answer[0]} ${answer[1].slice(0, 80)}`), asFailure)
    assert.equal(thrown.code, 'provider_unavailable', answer[1].slice(0, 80))
    assert.ok(!inspect(thrown, { depth: 9 }).includes(shown), inspect(thrown))
  }
  await open(fake).unwrap('c', wrapped)
})

test('a KMS that never answers is given up', async (t) => {
  const fake = await kms(t)
  fake.hang()
  await assert.rejects(open(fake, { answerMs: 50 }).wrap('c', randomBytes(32)), {
    code: 'provider_unavailable',
    reason: 'AWS KMS does not answer',
  })
})

test('the settings take ids and ARNs of keys, and no alias or plain http', () => {
  const settings = {
    ...{ kind: 'aws_kms', key_id: keyId, region },
    ...{ access_key_id: user.id, secret_access_key: { env: 'SECRET' } },
  }
  assert.deepEqual(awsKmsWrap.parse(settings).earlier_key_ids, [])
  for (const key_id of [otherKey, arnOf(keyId), arnOf(otherKey)])
    assert.ok(awsKmsWrap.safeParse({ ...settings, key_id, earlier_key_ids: [keyId] }).success, key_id)
  for (const wrong of [
    { key_id: 'alias/mayfly' },
    { key_id: `arn:aws:kms:${region}:111122223333:alias/mayfly` },
    { earlier_key_ids: ['alias/mayfly'] },
    { endpoint: 'http://kms.example.com' },
    { secret_access_key: 'abc' },
    { region: 'eu central' },
  ])
    assert.ok(!awsKmsWrap.safeParse({ ...settings, ...wrong }).success, JSON.stringify(wrong))
})
