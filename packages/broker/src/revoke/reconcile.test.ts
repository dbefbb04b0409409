import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { endsIn, openWorld, type World } from '../../test/leases.ts'
import { Failure } from '../base/failure.ts'
import { openReconcile, type RunNow } from './reconcile.ts'

type Asked = [issuer: string, repository: string, run: string]

function open(world: World, answer: (...asked: Asked) => RunNow | undefined | Promise<RunNow | undefined>) {
  const asked: Asked[] = []
  const reconcile = openReconcile({
    ...{ store: world.store, endJob: world.revoke.endJob, issuers: ['github'], tools: world.tools },
    ask: async (...what) => {
      asked.push(what)
      return await answer(...what)
    },
  })
  return { reconcile, asked }
}

const shop = { repository: 'acme/shop' }

test('jobs whose webhook never came end, one question for each run, and the jobs that run go on', async () => {
  const world = await openWorld()
  const job = (id: string, run = '9001/1') => ({ ...shop, job: { issuer: 'github', id, run } })
  const over = [await world.lease(job('1')), await world.lease({ ...job('1'), kind: 'database' })]
  const running = await world.lease(job('2'))
  const next = await world.lease(job('3', '9001/2'))
  world.tools.advance(601_000)
  const { reconcile, asked } = open(world, (_issuer, _repository, run) => ({
    over: false,
    ended: run === '9001/1' ? ['1', '77'] : [],
  }))
  assert.equal(await reconcile.round(), 2)
  assert.deepEqual(asked.toSorted(), [
    ['github', 'acme/shop', '9001/1'],
    ['github', 'acme/shop', '9001/2'],
  ])
  assert.deepEqual(await Promise.all(over.map(world.state)), ['revoked', 'revoked'])
  assert.deepEqual(await Promise.all([running, next].map(world.state)), ['active', 'active'])
  assert.equal(world.provider.live.size, 0)
  const log = await world.events()
  assert.deepEqual(endsIn(log), ['revoked by job_end', 'revoked by job_end'])
  assert.ok(log.some((event) => event.type === 'job.ended' && event.via === 'github-asked'))
  // No later exchange of this job.
  await assert.rejects(world.lease(job('1')))
})

test('a run that is over ends with every job, also those that tokens could not name', async () => {
  const world = await openWorld()
  const nameless = await world.lease({ ...shop, job: { issuer: 'github', run: '7/1' } })
  const named = await world.lease({ ...shop, job: { issuer: 'github', id: '5', run: '7/1' } })
  world.tools.advance(601_000)
  const { reconcile } = open(world, () => ({ over: true, ended: [] }))
  assert.equal(await reconcile.round(), 2)
  assert.deepEqual(await Promise.all([nameless, named].map(world.state)), ['revoked', 'revoked'])
})

test('what is young, of another platform, or cannot be told ends nothing', async () => {
  const world = await openWorld()
  const leases = [
    await world.lease({ ...shop, issuer: 'gitlab', job: { issuer: 'gitlab', id: '1', run: '1' } }),
    await world.lease({ ...shop, job: { issuer: 'github', id: '1', run: '404/1' } }),
    await world.lease({ ...shop, job: { issuer: 'github', id: '2', run: '503/1' } }),
    await world.lease({ job: { issuer: 'github', id: '3', run: '1/1' } }),
  ]
  world.tools.advance(601_000)
  leases.push(await world.lease({ ...shop, job: { issuer: 'github', id: '4', run: '2/1' } }))
  const { reconcile, asked } = open(world, (_issuer, _repository, run) => {
    if (run === '404/1') return undefined
    throw new Failure('provider_unavailable', { reason: 'away' })
  })
  assert.equal(await reconcile.round(), 0)
  assert.deepEqual(asked.map(([, , run]) => run).toSorted(), ['404/1', '503/1'])
  assert.deepEqual(new Set(await Promise.all(leases.map(world.state))), new Set(['active']))
})

test('it asks by itself, every five minutes, until it is closed', async () => {
  const world = await openWorld()
  await world.lease({ ...shop, expiresAt: 9_999_999_999 })
  world.tools.advance(601_000)
  let ask = () => {}
  const rounds = () => new Promise<void>((resolve) => (ask = resolve))
  let next = rounds()
  const { reconcile } = open(world, () => {
    ask()
    return { over: false, ended: [] }
  })
  for (let i = 0; i < 3; i++) {
    world.tools.advance(300_000)
    await next
    next = rounds()
    while (world.tools.waiting() === 0) await setImmediate()
  }
  await reconcile.close()
})
