/** Static secrets under a key that never leaves a KMS: moved there, given through it, and refused while it is away. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { kmsFor } from '../fakes/aws-kms.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  npm: { tier: shared, access: write, max: 20m, secret: npm-publish }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [npm, orders-api, orders-api-staging], for: 10m }
`

const region = 'eu-central-1'
const [oldKey, newKey] = [randomUUID(), randomUUID()]

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const user = { id: 'AKIAMAYFLYBROKER0001', secret: randomBytes(30).toString('base64') }
  const users = { [user.id]: user.secret }
  const kms = await kmsFor(t, { now: Date.now, region, users, keys: [oldKey, newKey] })
  writeFileSync(join(site.folder, 'aws'), user.secret)
  appendFileSync(site.config, 'connections: { secret: { npm-publish: { sealed: true } } }\n')
  const before = readFileSync(site.config, 'utf8')
  const wrapBy = (key: string, earlier: readonly string[] = []) => {
    const names = `kind: aws_kms, key_id: "${key}", earlier_key_ids: [${earlier.join()}], region: ${region}`
    const wrap = `{ ${names}, endpoint: "${kms.url}", access_key_id: ${user.id}, secret_access_key: { file: ./aws } }`
    const keys = 'keys: { encryption: { file: ./master-key }'
    writeFileSync(site.config, before.replace(`${keys} }`, `${keys}, wrap: ${wrap} }`))
  }
  const job = github.job(pushJob('staging'))
  const run = async () => {
    const broker = await runBroker(t, site.config)
    return {
      lines: broker.lines,
      get: () => exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'npm' }),
      close: () => broker.close(),
    }
  }
  const operator = (typed: readonly string[], input = '') =>
    mayfly([...typed, '--config', site.config], { input })
  return { site, kms, run, operator, wrapBy }
}

test('a secret moves under a KMS and from key to key; while the KMS is away, nobody gets it', async (t) => {
  const { site, kms, run, operator, wrapBy } = await start(t)
  const secret = `npm_${randomBytes(18).toString('hex')}`
  await operator(['secrets', 'put', 'npm-publish'], secret)
  wrapBy(oldKey)
  const first = await run()
  assert.match(first.lines.join('\n'), /npm-publish is wrapped by `master key`, which wraps no more/)
  assert.equal((await first.get()).body['access_token'], secret, 'the master key still opens its own')
  assert.deepEqual(kms.asked, [])
  const moved = await operator(['secrets', 'rewrap'])
  assert.equal(moved.stdout, `npm-publish is wrapped by aws_kms ${oldKey}\n`, moved.stderr)
  assert.equal((await first.get()).body['access_token'], secret)
  assert.deepEqual(
    kms.asked.map(({ action }) => action),
    ['Encrypt', 'Decrypt'],
  )
  await first.close()

  wrapBy(newKey)
  const lost = await operator(['secrets', 'rewrap'])
  assert.equal(lost.exitCode, 1)
  assert.match(lost.stderr, new RegExp(`npm-publish stays as it was: .*${oldKey}.* does not name`))
  wrapBy(newKey, [oldKey])
  assert.equal((await operator(['secrets', 'rewrap'])).exitCode, 0)
  assert.match((await operator(['secrets', 'list'])).stdout, new RegExp(` aws_kms ${newKey}`))

  wrapBy(newKey)
  const second = await run()
  kms.disable(newKey, true)
  assert.equal((await second.get()).status, 503)
  kms.disable(newKey, false)
  assert.equal((await second.get()).body['access_token'], secret)
  const { entries, text } = await exportedLog(site.config)
  const refused = entries.find(({ type }) => type === 'credential.refused')
  assert.match(refused?.reason ?? '', /AWS KMS answers 400: DisabledException/)
  const logs = [text, ...first.lines, ...second.lines, ...kms.bodies].join('\n')
  assert.ok(!logs.includes(secret))
  assert.ok(!kms.bodies.join('').includes(Buffer.from(secret).toString('base64')))
})
