/** Refusals cost the asker nothing: they are remembered, they do not fill the log, and what was not delivered is ended. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ask, askForm, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

async function start(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const entries = async (type: string) =>
    (await exportedLog(site.config)).entries.filter((entry) => entry.type === type)
  return { github, site, broker, entries }
}

test('what does not even reach the exchange, and a wrong reader of the log, are in the log', async (t) => {
  const { site, broker, entries } = await start(t)
  const token = `${broker.url}/token`
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'x' }
  const answers = [
    await askForm(token, { grant_type: 'password' }),
    await askForm(token, {
      ...form,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      actor_token: 'y',
    }),
    await ask(token, { method: 'POST', body: 'a=b&a=b' }),
  ]
  const written = await entries('credential.refused')
  assert.deepEqual(
    written.map(({ id }) => id),
    answers.map(({ body }) => body['error_id']),
  )
  const wrong = { headers: { authorization: `Bearer ${site.secrets.orders}` } }
  assert.equal((await ask(`${broker.url}/audit/entries`, wrong)).status, 401)
  const [read] = await entries('audit.refused')
  assert.deepEqual([read?.code, read?.reason], ['client_rejected', 'a wrong secret'])
})

test('a stranger who asks a thousand times has a few hundred entries, a verified job still has its own', async (t) => {
  const { github, site, broker, entries } = await start(t)
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(broker.url, 'not.a.token')))
    assert.ok(answers.every(({ status }) => status === 400))
  }
  const many = (await entries('credential.refused')).length
  assert.ok(many >= 300 && many < 400, `${many} entries`)
  const job = github.idToken({ ...pushJob('staging'), aud: site.url })
  const refused = await exchange(broker.url, job, { audience: 'orders-api' })
  assert.ok((await entries('credential.refused')).some(({ id }) => id === refused.body['error_id']))
  await broker.close()
  const [summed] = await entries('refusals.summed')
  const { counts } = summed as unknown as { counts: Record<string, number> }
  assert.equal(Number(counts['credential.refused subject_token_invalid']) + many, 1000)
})

test('a credential whose caller left before the answer is ended', async (t) => {
  const { github, site, broker } = await start(t)
  const office = await openOfficeFromFile({ path: site.config, env: {}, writeLog: () => undefined })
  try {
    const ended = async () =>
      (await office.leases({ limit: 100 })).filter(({ state }) => state === 'revoked').length
    for (let each = 0; each < 20; each++) {
      const body = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: github.idToken({ ...pushJob('production'), aud: site.url }),
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        audience: 'orders-api',
      }).toString()
      const { hostname, port } = new URL(broker.url)
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      socket.write(
        `POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        () => setImmediate(() => socket.resetAndDestroy()),
      )
      await once(socket, 'close')
    }
    const all = async () => (await office.leases({ limit: 100 })).length
    for (let waited = 0; waited < 50 && ((await all()) === 0 || (await ended()) < (await all())); waited++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok((await all()) > 0, 'no exchange was made')
    assert.equal(await ended(), await all())
  } finally {
    await office.close()
  }
})
