import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bot, connectionOf, fake, installed, tools } from '../../../../test/github-app.ts'
import { openGithubRuns } from './runs.ts'

const runs = openGithubRuns({ 'acme-bot': connectionOf(bot) }, tools)
const ask = (run = '9001/1', repository = 'acme/shop') => runs.of('acme-bot', repository, run)
installed.permissions['actions'] = 'read'

test('a run that goes on says which of its jobs are over, however many it has', async () => {
  const jobs = Array.from({ length: 230 }, (_, i) => ({
    id: String(5000 + i),
    status: i % 2 === 0 ? ('completed' as const) : ('in_progress' as const),
  }))
  fake.runs.set('acme/shop/9001/1', { status: 'in_progress', jobs })
  const found = await ask()
  assert.equal(found?.over, false)
  assert.deepEqual(
    found?.ended,
    jobs.filter(({ status }) => status === 'completed').map(({ id }) => id),
  )
})

test('a run that is over needs no question for its jobs, and one token serves for many questions', async () => {
  fake.runs.set('acme/shop/9002/3', { status: 'completed', jobs: [] })
  fake.tokens.clear()
  for (let i = 0; i < 3; i++) assert.deepEqual(await ask('9002/3'), { over: true, ended: [] })
  assert.equal(fake.tokens.size, 1)
  const [token] = fake.tokens.values()
  assert.deepEqual(
    [token?.permissions, token?.repositories],
    [{ metadata: 'read', actions: 'read' }, ['Acme/shop']],
  )
  assert.equal(fake.asked.filter((each) => each.includes('/actions/')).length, 3)
})

test('a run that GitHub does not show, or whose name is none, is not known', async () => {
  for (const run of ['404/1', '', '1', '1/1/1', '../1', '1/x', '9001/1?x'])
    assert.equal(await ask(run), undefined, run)
})

test('what cannot be told is an error, never an end', async () => {
  fake.runs.set('acme/shop/7/1', { status: 'in_progress', jobs: [] })
  const broken = [
    { status: 500, body: '{}' },
    { status: 403, body: '{"message":"no"}' },
    { status: 200, body: '{}' },
    { status: 200, body: 'no' },
    { status: 429, headers: { 'retry-after': '5' }, body: '{}' },
    'cut',
  ] as const
  for (const each of broken) {
    tools.advance(4_000_000)
    fake.fault = (asked, moment) => (moment === 'before' && asked.includes('/actions/') ? each : undefined)
    await assert.rejects(ask('7/1'), { name: 'Failure' })
  }
  fake.fault = () => undefined
  tools.advance(4_000_000)
  delete installed.permissions['actions']
  await assert.rejects(ask('7/1'), /permissions requested are not granted/)
  installed.permissions['actions'] = 'read'
  await assert.rejects(ask('7/1', 'other/shop'), /not installed/)
  assert.deepEqual(await ask('7/1'), { over: false, ended: [] })
})
