/** An issuer in trouble: known keys go on, unknown ones fail closed, and everybody else notices nothing. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Fault } from '../../packages/cli/src/demo/stand-in/faults.ts'
import { fakeTools } from '../fakes/clock.ts'
import { githubFor } from '../fakes/github.ts'
import { passingTime } from '../fakes/passing-time.ts'
import { type Answered, exchange } from '../fakes/requests.ts'
import { runBrokerWith } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const minute = 60_000

async function start(t: TestContext) {
  const tools = fakeTools()
  const github = await githubFor(t, { now: tools.now })
  const other = await githubFor(t, { now: tools.now })
  const site = await makeSite(t, { issuers: { github: github.issuer, other: other.issuer } })
  const { url } = await runBrokerWith(t, site.config, tools)
  const job = (of = github) => exchange(url, of.idToken({ ...pushJob('production'), aud: site.url }))
  return { github, other, job, pass: passingTime(tools) }
}

function assertUnavailable(answer: Answered): void {
  assert.equal(answer.status, 503)
  assert.equal(answer.body['error'], 'temporarily_unavailable')
  assert.equal('access_token' in answer.body, false)
}

const liar = JSON.stringify({ keys: [{ kty: 'oct', kid: 'k', k: 'c2VjcmV0' }] })
const troubles: Readonly<Record<string, Fault>> = {
  down: { kind: 'down' },
  silent: { kind: 'silent' },
  failing: { kind: 'status', status: 500 },
  huge: { kind: 'huge', bytes: 2_000_000 },
  redirecting: { kind: 'redirect', to: 'http://127.0.0.1:9/' },
  'lying about its keys': { kind: 'lying', body: liar },
  'without a key': { kind: 'lying', body: '{"keys":[]}' },
  'talking nonsense': { kind: 'lying', body: '<html>' },
}

for (const [name, fault] of Object.entries(troubles)) {
  test(`an issuer that is ${name}: known keys go on for a day, unknown ones get nothing`, async (t) => {
    const { github, job, pass } = await start(t)
    assert.equal((await job()).status, 200)
    github.faults.jwks = fault
    for (const passed of [0, 11 * minute, 60 * minute]) {
      await pass(passed)
      assert.equal((await job()).status, 200, `after ${passed} ms`)
    }
    await pass(minute)
    github.rotate()
    assertUnavailable(await job())
    delete github.faults.jwks
    await pass(minute)
    assert.equal((await job()).status, 200, 'well again')
    github.faults.jwks = fault
    await pass(25 * 60 * minute, 60 * minute)
    await pass(minute)
    assertUnavailable(await job())
    delete github.faults.jwks
    await pass(minute)
    assert.equal((await job()).status, 200, 'and well again after a day')
  })
}

test('an issuer that was never reached gets nobody in, and everybody once it answers', async (t) => {
  const { github, job, pass } = await start(t)
  github.faults.discovery = { kind: 'down' }
  assertUnavailable(await job())
  github.faults.discovery = { kind: 'redirect', to: `${github.issuer}/.well-known/jwks` }
  await pass(minute)
  assertUnavailable(await job())
  delete github.faults.discovery
  await pass(minute)
  assert.equal((await job()).status, 200)
})

test('a discovery document that points elsewhere is not followed', async (t) => {
  const { github, other, job, pass } = await start(t)
  const elsewhere = { issuer: github.issuer, jwks_uri: `${other.issuer}/.well-known/jwks` }
  github.faults.discovery = { kind: 'lying', body: JSON.stringify(elsewhere) }
  assertUnavailable(await job())
  const another = { issuer: other.issuer, jwks_uri: `${github.issuer}/.well-known/jwks` }
  github.faults.discovery = { kind: 'lying', body: JSON.stringify(another) }
  await pass(minute)
  assertUnavailable(await job())
  assert.equal(other.seen.length, 0)
})

test('while one issuer is silent, jobs of another are served, and a flood of its tokens asks it once', async (t) => {
  const { github, other, job } = await start(t)
  other.faults.jwks = { kind: 'silent' }
  let answered = 0
  const waiting = Array.from({ length: 100 }, () =>
    job(other).finally(() => {
      answered += 1
    }),
  )
  while (!other.seen.some(({ door }) => door === 'discovery')) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (let i = 0; i < 50; i++) assert.equal((await job(github)).status, 200)
  assert.equal(answered, 0, 'the silent issuer was given up before the others were served')
  for (const answer of await Promise.all(waiting)) assertUnavailable(answer)
  assert.equal(other.seen.filter(({ door }) => door === 'jwks').length, 1)
})
