import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { testProviderFaults } from '../../../../../../test/conformance/provider-faults.ts'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import { type StsFake, type StsOptions, stsFor } from '../../../../../../test/fakes/aws-sts.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Credential, Grant } from '../../../domain.ts'
import { openFederation } from '../../federation.ts'
import { type AwsConnection, openAwsTarget } from './aws.ts'

const url = 'https://mayfly.example.com'
const role = 'arn:aws:iam::111122223333:role/deploy-40211'
const region = 'eu-central-1'
const user = { id: 'AKIAMAYFLYBROKER0001', secret: randomBytes(30).toString('base64') }
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const signer = {
  kid: 'k1',
  algorithm: 'RS256',
  sign: (input: Uint8Array | string) => createSign('sha256').update(input).sign(privateKey),
} as const

function grantOf(over: Partial<Grant> = {}): Grant {
  const now = Math.floor(Date.now() / 1000)
  const claims = { repository: 'acme/shop', environment: 'prod "eu"; x', run_id: '9001' }
  return {
    leaseId: newId('ls', { now: Date.now, randomBytes }),
    principal: { issuer: 'github', iss: 'i', subject: 's', claims, replayKey: 'k', replayUntil: 1 },
    target: 'prod-deploy',
    kind: 'aws_role',
    settings: role,
    scopes: [],
    issuedAt: now,
    expiresAt: now + 600,
    ...over,
  }
}

function sts(t: Parameters<typeof stsFor>[0], over: Partial<StsOptions> = {}): Promise<StsFake> {
  const provider = { issuer: url, key: (kid: string) => (kid === 'k1' ? publicKey : undefined) }
  return stsFor(t, {
    now: Date.now,
    region,
    roles: [role],
    users: { [user.id]: user.secret },
    provider,
    ...over,
  })
}

type Mode = AwsConnection['mode']

function open(fake: Pick<StsFake, 'url'>, mode: Mode, now = Date.now, answerMs = 10_000) {
  const keys = { access_key_id: user.id, secret_access_key: new Secret(user.secret) }
  const shared = { region, sts: fake.url }
  const connection: AwsConnection =
    mode === 'assume_role' ? { ...shared, mode, ...keys } : { ...shared, mode }
  const sign = openFederation({
    url,
    keys: { signer: () => signer },
    subject: () => 'github:repository_id:40211',
    tools: { now },
  })
  return openAwsTarget({ connections: { main: connection }, sign, tools: { now }, answerMs })
}

const text = (part: Secret | string | undefined) => (part instanceof Secret ? part.reveal() : String(part))

/** Who AWS's own client is with these keys. */
async function whoAmI(endpoint: string, { parts = {} }: Credential): Promise<string | undefined> {
  const credentials = {
    accessKeyId: text(parts['access_key_id']),
    secretAccessKey: text(parts['secret_access_key']),
    sessionToken: text(parts['session_token']),
  }
  const client = new STSClient({ region, endpoint, credentials, maxAttempts: 1 })
  try {
    return (await client.send(new GetCallerIdentityCommand({}))).Arn
  } finally {
    client.destroy()
  }
}

const modes: readonly Mode[] = ['web_identity', 'assume_role']

const shared = await sts({ after })
for (const mode of modes) {
  testTarget(`aws_role by ${mode}`, { open: async () => open(shared, mode), grant: grantOf })
  const code = mode === 'web_identity' ? 'InvalidIdentityToken' : 'SignatureDoesNotMatch'
  testProviderFaults(`aws_role by ${mode}`, {
    place: (t) => sts(t),
    once: (place, answerMs) => open({ url: place }, mode, Date.now, answerMs).issue(grantOf(), null),
    questions: 1,
    clock: { at: 1, status: 400, body: `<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>` },
  })
}

for (const mode of modes) {
  test(`${mode}: AWS's own client works with the keys, as the session of the lease`, async (t) => {
    const fake = await sts(t)
    const target = open(fake, mode)
    const grant = grantOf()
    const credential = await target.issue(grant, target.prepare(grant))
    assert.equal(
      await whoAmI(fake.url, credential),
      `arn:aws:sts::111122223333:assumed-role/deploy-40211/${grant.leaseId}`,
    )
    const [form] = fake.sessions
    assert.equal(form?.['DurationSeconds'], '900')
    assert.equal(credential.parts?.['region'], region)
  })

  test(`${mode}: a session policy narrows the keys, and one that is too long is refused before anything is asked`, async (t) => {
    const fake = await sts(t)
    const target = open(fake, mode)
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
    }
    await target.issue(grantOf({ settings: { role, session_policy: policy } }), null)
    assert.deepEqual(JSON.parse(fake.sessions[0]?.['Policy'] ?? ''), policy)
    const long = grantOf({ settings: { role, session_policy: { Sid: 'x'.repeat(2048) } } })
    assert.throws(() => target.prepare(long), { code: 'target_refused', reason: /longer than 2048/ })
    assert.equal(fake.sessions.length, 1)
  })

  test(`${mode}: what AWS refuses for good is told apart from what may pass, and no token is repeated`, async (t) => {
    const fake = await sts(t)
    const target = open(fake, mode)
    const other = grantOf({ settings: 'arn:aws:iam::111122223333:role/other' })
    await assert.rejects(target.issue(other, null), {
      code: 'target_refused',
      reason: 'STS refused: AccessDenied',
    })
    const faults = [
      [
        400,
        '<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>',
        'STS refused: Throttling',
      ],
      [
        400,
        '<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>',
        'STS refused: IDPCommunicationError',
      ],
      [503, 'sorry', 'STS refused: status 503'],
      [200, '<html>', 'STS gives an answer that is none'],
      [200, `<AccessKeyId>${'A'.repeat(20)}</AccessKeyId>`.repeat(2), 'STS gives an answer that is none'],
      [200, 'x'.repeat(70_000), 'STS gives an answer that is too long'],
      [302, '', 'STS does not answer'],
    ] as const
    for (const [status, body, reason] of faults) {
      fake.answerNext(status, body)
      const code = 'provider_unavailable'
      if (status === 302) continue
      await assert.rejects(target.issue(grantOf(), null), { code, reason })
    }
    const dead = open({ url: 'http://127.0.0.1:1' }, mode)
    await assert.rejects(dead.issue(grantOf(), null), {
      code: 'provider_unavailable',
      reason: 'STS does not answer',
    })
  })
}

test('web identity: tags in the token, one role, a short life, and no `azp`', async (t) => {
  const fake = await sts(t)
  const grant = grantOf()
  await open(fake, 'web_identity').issue(grant, null)
  const [claims = {}] = fake.tokens
  const { principal_tags: tags } = claims['https://aws.amazon.com/tags'] as {
    principal_tags: Record<string, string[]>
  }
  assert.deepEqual(
    [tags['repo'], tags['run'], tags['mayfly-lease']],
    [['acme/shop'], ['9001'], [grant.leaseId]],
  )
  assert.match(tags['environment']?.[0] ?? '', /^sha256=[\w-]{43}$/, 'a value that IAM would not take')
  assert.deepEqual(claims['https://aws.amazon.com/roles'], [role])
  assert.equal(Number(claims['exp']) - Number(claims['iat']), 300)
  assert.equal(claims['sub'], 'github:repository_id:40211')
})

test('own identity: the source identity and the tags name the lease', async (t) => {
  const fake = await sts(t)
  const grant = grantOf()
  await open(fake, 'assume_role').issue(grant, null)
  const [form = {}] = fake.sessions
  assert.equal(form['SourceIdentity'], grant.leaseId)
  assert.deepEqual([form['Tags.member.1.Key'], form['Tags.member.1.Value']], ['mayfly-lease', grant.leaseId])
})

test("a wrong secret and a wrong region are AWS's refusal, in its words; a clock that is off may pass", async (t) => {
  const fake = await sts(t, { region: 'us-east-1' })
  await assert.rejects(open(fake, 'assume_role').issue(grantOf(), null), {
    reason: 'STS refused: SignatureDoesNotMatch',
  })
  const right = await sts(t)
  const late = () => Date.now() - 400_000
  await assert.rejects(open(right, 'assume_role', late).issue(grantOf(), null), {
    reason: /SignatureDoesNotMatch; its clock and ours differ by (39|40)\d s$/,
  })
  await assert.rejects(open(right, 'web_identity', late).issue(grantOf({ expiresAt: 1 }), null), {
    code: 'provider_unavailable',
    reason: /InvalidIdentityToken; its clock and ours differ by (39|40)\d s$/,
  })
})

test('a target names its connection where there are several', async (t) => {
  const fake = await sts(t)
  const one = open(fake, 'web_identity')
  assert.throws(() => one.prepare(grantOf({ settings: { role, connection: 'other' } })), {
    code: 'target_refused',
  })
  assert.equal(one.connection?.(grantOf({ settings: { role, connection: 'main' } })), 'aws main')
  for (const settings of ['arn:aws:iam::1:role/x', { role, extra: 1 }, null])
    assert.throws(() => one.prepare(grantOf({ settings })), { code: 'target_refused' })
})

test('the end of a lease says until when its keys work, and nothing once they are dead', async (t) => {
  const fake = await sts(t)
  let now = Date.now()
  const target = open(fake, 'web_identity', () => now)
  const { parts, handle } = await target.issue(grantOf(), null)
  const expiration = text(parts?.['expiration']).replace('.000Z', 'Z')
  assert.match(target.outlives?.(handle?.() ?? null) ?? '', new RegExp(`these work until ${expiration}`))
  assert.equal(target.outlives?.(null), undefined, 'nobody was handed any')
  now = Date.parse(expiration)
  assert.equal(target.outlives?.(handle?.() ?? null), undefined)
})
