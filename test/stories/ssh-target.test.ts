/** A job signs in to a host with a certificate, and is refused once the job is over: through a running broker. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { exchange, introspect, revoke } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'
import { makeKey, startSshd } from '../fakes/sshd.ts'

const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  web-hosts: { tier: staging, access: write, max: 15m, ssh: { authority: web, principals: ["web-{environment}"] } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [web-hosts, orders-api], for: 10m }
  - { name: other, who: { repo: acme/shop, branch: main, environment: other }, get: orders-api-staging, for: 10m }
`

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const authority = await makeKey(site.folder, '-t', 'ed25519')
  appendFileSync(join(site.folder, 'authority'), authority.privateKey)
  const connection = { private_key: { file: './authority' }, public_key: authority.publicKey.trim() }
  appendFileSync(site.config, `connections: ${JSON.stringify({ ssh: { web: connection } })}\n`)
  const sshd = await startSshd(['web-staging'])
  atEnd(t, () => sshd.stop())
  sshd.trust(authority.publicKey)
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  const get = async () => {
    const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'web-hosts' })
    assert.equal(answer.status, 200, answer.text)
    const credential = answer.body['credential'] as Readonly<Record<string, string>>
    const files = {
      privateKey: String(credential['private_key']),
      certificate: String(credential['certificate']),
    }
    const login = () => sshd.login(files, 'echo in')
    return {
      ...files,
      login,
      principals: credential['principals'],
      lease: String(answer.body['access_token']),
    }
  }
  /** As a host does it, every minute. */
  const fetchList = async () => {
    const response = await fetch(`${broker.url}/ssh/web/krl`)
    assert.equal(response.status, 200)
    sshd.revoked(new Uint8Array(await response.arrayBuffer()))
  }
  /** Until the list has what it did not have before; the broker says that it takes five seconds at most. */
  const fetchNewList = async (before: string) => {
    for (const started = Date.now(); Date.now() - started < 20_000; ) {
      if ((await tagOf()) !== before) return await fetchList()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.fail('the list never changed')
  }
  const tagOf = async () => (await fetch(`${broker.url}/ssh/web/krl`)).headers.get('etag') ?? ''
  return { github, site, broker, sshd, job, get, fetchList, fetchNewList, tagOf }
}

test('a job signs in to a host; once it is over the host refuses its certificates', async (t) => {
  const { github, site, broker, job, get, fetchList, fetchNewList, tagOf, sshd } = await start(t)
  const [one, two] = [await get(), await get()]
  assert.equal(one.principals, 'web-staging')
  await fetchList()
  for (const { login } of [one, two]) assert.deepEqual(await login(), { code: 0, output: 'in\n', errors: '' })
  const before = await tagOf()
  const webhook = `${broker.url}/webhooks/github`
  assert.equal((await github.completeJob(job, webhook, site.secrets['webhook-secret'])).status, 202)
  await fetchNewList(before)
  for (const { login } of [one, two]) assert.match((await login()).errors, /Permission denied/)
  assert.match(sshd.log(), /ID mayfly lease=ls_\w{26} issuer=github subject=repo:acme\/shop:/)
  const { text, entries } = await exportedLog(site.config)
  const types = entries.map(({ type }) => type).filter((type) => /credential|lease/.test(type))
  assert.deepEqual(types.toSorted(), ['credential.issued', 'credential.issued', 'lease.ended', 'lease.ended'])
  const said = text + broker.lines.join('\n')
  for (const { privateKey } of [one, two]) assert.ok(!said.includes(privateKey.split('\n')[2] ?? ''))
})

test('the token of the lease ends its certificate and no other', async (t) => {
  const { broker, get, fetchList, fetchNewList, tagOf } = await start(t)
  const [one, two] = [await get(), await get()]
  await fetchList()
  const before = await tagOf()
  await revoke(broker.url, one.lease)
  assert.equal((await introspect(broker.url, one.lease)).body['active'], false)
  await fetchNewList(before)
  assert.match((await one.login()).errors, /Permission denied/)
  assert.equal((await two.login()).output, 'in\n')
})
