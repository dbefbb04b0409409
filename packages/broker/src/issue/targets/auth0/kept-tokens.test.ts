import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { auth0World } from '../../../../../../test/fakes/auth0-world.ts'
import { fakeTools } from '../../../../../../test/fakes/clock.ts'
import { Secret } from '../../../base/secret.ts'
import { openKeptTokens } from './kept-tokens.ts'

test('a job that asks again gets the same token for a minute, and then another', async (t) => {
  const { fake, issue, tools } = await auth0World(t)
  const tokenOf = async () => (await issue({}, 'job')).token.reveal()
  const first = await tokenOf()
  tools.advance(59_000)
  assert.equal(await tokenOf(), first)
  assert.equal(fake.asked.length, 1)
  tools.advance(1_000)
  assert.notEqual(await tokenOf(), first)
  assert.equal(tools.waiting(), 1, 'the old one is forgotten')
})

test('a minute is a minute although timers come late', async () => {
  const tools = { ...fakeTools(), after: () => () => {} }
  const kept = openKeptTokens(tools)
  const { grant } = await auth0World({ after })
  let asked = 0
  const ask = async () => {
    const endsAt = tools.now() / 1000 + 600
    return { token: new Secret(`${++asked}`), endsAt, worksUntil: endsAt }
  }
  const wish = grant()
  await kept.of(wish, ask)
  tools.advance(59_000)
  await kept.of(wish, ask)
  assert.equal(asked, 1)
  tools.advance(1_000)
  await kept.of(wish, ask)
  assert.equal(asked, 2)
})

test('a job that asks many times at once costs one token', async (t) => {
  const { fake, issue } = await auth0World(t)
  const issued = await Promise.all(Array.from({ length: 20 }, () => issue({}, 'job')))
  assert.equal(new Set(issued.map(({ token }) => token.reveal())).size, 1)
  assert.equal(fake.asked.length, 1)
})

test('no other job, subject, issuer, target, scope or setting ever gets a kept token', async (t) => {
  const { issue, grant, audience } = await auth0World(t)
  const { principal } = grant({}, 'job')
  const settings = { tenant: 'acme', audience, scopes: ['read:orders', 'write:orders'] }
  const others = [
    grant({}, 'other'),
    grant({ principal: { ...principal, subject: 'other' } }),
    grant({ principal: { ...principal, iss: 'other' } }),
    grant({ principal: { ...principal, job: { issuer: 'gitlab', id: 'job' } } }),
    grant({ principal: { ...principal, job: { issuer: 'github', id: 'job', run: '1/2' } } }),
    grant({ target: 'other' }, 'job'),
    grant({ scopes: ['write:orders'] }, 'job'),
    grant({ scopes: ['read:orders', 'write:orders'] }, 'job'),
    grant({ settings: { ...settings, scopes: ['read:orders'] } }, 'job'),
  ]
  // All at once, so that calls that are still waiting are told apart as well.
  const issued = await Promise.all([grant({}, 'job'), ...others].map((each) => issue(each)))
  assert.equal(new Set(issued.map(({ token }) => token.reveal())).size, issued.length)
  const both = await issue(grant({ scopes: ['write:orders', 'read:orders'] }, 'job'))
  assert.equal(both.token.reveal(), issued[8]?.token.reveal(), 'the order of scopes means nothing')
})

test('who names no job, or only a run, gets a token of its own each time', async (t) => {
  const { issue, grant } = await auth0World(t)
  const { job: _, ...nobody } = grant().principal
  for (const principal of [nobody, { ...nobody, job: { issuer: 'github', run: '9/1' } }]) {
    const [one, two] = [await issue({ principal }), await issue({ principal })]
    assert.notEqual(one.token.reveal(), two.token.reveal())
  }
})

test('a token that lives short is kept shorter, and one that has ended never comes back', async (t) => {
  const { fake, issue, tools, audience } = await auth0World(t)
  fake.apis.set(audience, { lifetime: 100 })
  const first = (await issue({}, 'job')).token.reveal()
  tools.advance(9_000)
  assert.equal((await issue({}, 'job')).token.reveal(), first)
  tools.advance(1_000)
  assert.notEqual((await issue({}, 'job')).token.reveal(), first)
})

test('the number of kept tokens is bounded', async (t) => {
  const { issue, tools, fake } = await auth0World(t)
  fake.answer = (body) => ({ ...body, access_token: `opaque-${fake.asked.length}` })
  for (let job = 0; job < 1005; job += 15)
    await Promise.all(Array.from({ length: 15 }, (_, at) => issue({}, `job ${job + at}`)))
  const asked = fake.asked.length
  await issue({}, 'job 1004')
  assert.equal(fake.asked.length, asked)
  await issue({}, 'job 0')
  assert.equal(fake.asked.length, asked + 1, 'the oldest had to go')
  tools.advance(60_000)
  assert.equal(tools.waiting(), 0)
})
