/** A token that GitHub names only in its answer, through the exchange, the store, the end and the sweep. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { atEnd } from '../../../../../../test/fakes/at-end.ts'
import { fakeTools } from '../../../../../../test/fakes/clock.ts'
import { openGithubAppFake } from '../../../../../../test/fakes/github-app.ts'
import { encodeEvent } from '../../../audit/events.ts'
import { Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { AuditEvent, Job } from '../../../domain.ts'
import { type ExchangeParts, openExchange } from '../../../exchange.ts'
import { openRevoke } from '../../../revoke/revoke.ts'
import { openSweep } from '../../../revoke/sweep.ts'
import { openSqliteStore } from '../../../store/sqlite.ts'
import type { Change, Store } from '../../../store/store.ts'
import { type HandleSeal, openHandleSeal } from '../../handle.ts'
import { openSeal } from '../../seal.ts'
import type { GithubAppConnection } from './github.ts'
import { openGithubAppTarget } from './github-app.ts'

const job: Job = { issuer: 'github', id: '5551', run: '9001/1' }
const unfinished = ['pending', 'active', 'stuck'] as const
const never = () => new Promise<never>(() => {})

/** GitHub, a store, and brokers on top of them. */
async function openWorld(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'github-app-'))
  atEnd(t, () => rmSync(folder, { recursive: true }))
  const tools = fakeTools()
  const github = await openGithubAppFake(() => tools.now())
  atEnd(t, () => github.close())
  const app = github.newApp()
  github.install(app, 'acme', ['shop'], { contents: 'write' })
  const store = await openSqliteStore({ path: join(folder, 'mayfly.db') })
  atEnd(t, () => store.close())
  const handles = openHandleSeal(openSeal(new Secret(randomBytes(32).toString('base64')), tools))
  const change = (event: AuditEvent): Change => ({ kind: 'append', entry: encodeEvent(event, tools).bytes })
  const connection = { app_id: String(app.id), private_key: new Secret(app.privateKey), api: github.url }

  const ground = { t, tools, store, handles, change, connection }
  const broker = (commit?: Store['commit'], over?: Partial<ExchangeParts>) => openBroker(ground, commit, over)
  const live = () => [...github.tokens.keys()].filter(github.works).length
  const open = () => store.leases({ states: unfinished, limit: 99 })
  const ends = async () =>
    (await store.entries(0, 999))
      .map((entry) => JSON.parse(new TextDecoder().decode(entry.bytes)) as AuditEvent)
      .flatMap((event) => (event.type === 'lease.ended' ? [`${event.state} by ${event.by}`] : []))
  return { tools, github, store, broker, live, open, ends }
}

/** What brokers stand on. */
interface Ground {
  readonly t: TestContext
  readonly tools: Tools
  readonly store: Store
  readonly handles: HandleSeal
  readonly change: (event: AuditEvent) => Change
  readonly connection: GithubAppConnection
}

/** A broker; `commit` may be one that dies. */
function openBroker(
  { t, tools, store, handles, change, connection }: Ground,
  commit = store.commit.bind(store),
  over: Partial<ExchangeParts> = {},
) {
  const target = openGithubAppTarget({ connections: { bot: connection }, tools })
  atEnd(t, () => target.close?.())
  const find = (kind: string) => (kind === target.kind ? target : undefined)
  const kept = { commit, lease: store.lease.bind(store), leases: store.leases.bind(store) }
  const openHandle = handles.open
  const revoke = openRevoke({ store: kept, target: find, openHandle, record: change, tools })
  const sweep = openSweep({
    store: { dueLeases: store.dueLeases.bind(store), leases: kept.leases, prune: async () => 0 },
    revoke,
    tools: { ...tools, after: () => () => {} },
  })
  const settings = { app: 'bot', repos: ['acme/shop'], permissions: { contents: 'read' }, scopes: [] }
  const exchange = openExchange({
    verify: async () => ({
      ...{ issuer: 'github', iss: 'https://issuer.example', subject: 's', claims: {}, job },
      replayKey: newId('rk', tools),
      replayUntil: Math.floor(tools.now() / 1000) + 900,
    }),
    decide: () => ({
      ...{ target: 'release-bot', kind: 'github_app', settings, grants: ['g'], scopes: [] },
      ...{ seconds: 600, policy: 'p', terms: { policy: 'p', settings: 's' } },
    }),
    target: find,
    store: { commit },
    filledIn: (same) => same,
    guarded: (_, issue) => issue(),
    leaseToken: async () => new Secret('a token of the lease'),
    sealHandle: handles.seal,
    record: (event) => ({ id: 'au', change: change(event) }),
    refuse: async (event) => {
      await commit([change(event)])
      return 'au'
    },
    abandon: revoke.abandon,
    policy: () => 'p',
    jobLimit: 100,
    tools,
    ...over,
  })
  const ask = () => exchange({ subjectToken: new Secret('s'), via: 'test', target: 'release-bot' })
  return { ask, revoke, sweep }
}

test('a broker that dies between any two steps leaves no token without a lease, and in the end none', async (t) => {
  const steps = new Set<string>()
  for (let dies = 0; dies < 12; dies++) {
    const world = await openWorld(t)
    const { github, tools, store } = world
    let left = dies
    const dead = Promise.withResolvers<string>()
    /** Each step is a chance to die. */
    const step = async (name: string) => {
      if (left < 0) return await never()
      if (left-- > 0) return
      dead.resolve(name)
      return await never()
    }
    let commits = 0
    const dying = world.broker(async (changes) => {
      const at = `commit ${++commits}`
      await step(`before ${at}`)
      await store.commit(changes)
      await step(`after ${at}`)
    })
    github.fault = async (asked, moment) => {
      await step(`${moment} ${asked.split(' ')[0]}`)
      return undefined
    }
    const at = await Promise.race([dead.promise, dying.ask().then(() => 'alive')])
    steps.add(at)
    github.fault = () => undefined
    // Another process, with the same store and configuration.
    const { sweep } = world.broker()
    for (let minute = 0; minute < 90; minute++) {
      await sweep.round()
      if (world.live() > 0) assert.equal((await world.open()).length, 1, `${at}, minute ${minute}`)
      // Whoever got it lost it with its lease; whoever did not, when it could live no longer.
      if (minute > (at === 'after POST' || at === 'before commit 2' ? 61 : 11))
        assert.equal(world.live(), 0, `${at}, minute ${minute}`)
      tools.advance(60_000)
    }
    assert.deepEqual(await world.open(), [], at)
    assert.equal(world.live(), 0)
    if (at === 'alive') break
  }
  assert.deepEqual(
    [...steps],
    [
      ...['before commit 1', 'after commit 1', 'before GET', 'after GET', 'before POST', 'after POST'],
      ...['before commit 2', 'after commit 2', 'alive'],
    ],
  )
})

test('the token of a lease is ended with it, by its handle from the store', async (t) => {
  const world = await openWorld(t)
  const { ask } = world.broker()
  const { leaseId } = await ask()
  assert.equal(world.live(), 1)
  const lease = await world.store.lease(leaseId)
  assert.ok(lease?.state === 'active')
  const { token } = [...world.github.tokens.values()][0] ?? { token: '' }
  assert.ok(!Buffer.from(lease.handle).includes(token), 'the handle is not sealed')
  assert.equal(await world.broker().revoke.endLease(lease, 'caller'), 'ended')
  assert.equal(world.live(), 0)
  assert.deepEqual(await world.ends(), ['revoked by caller'])
})

test('a job that ends while its token is made keeps nothing, at whichever step it ends', async (t) => {
  for (const [method, moment] of [
    ['GET', 'before'],
    ['POST', 'before'],
    ['POST', 'after'],
  ]) {
    const world = await openWorld(t)
    const { ask, revoke } = world.broker()
    world.github.fault = async (asked, when) => {
      if (asked.startsWith(`${method} `) && when === moment) await revoke.endJob(job, 'test')
      return undefined
    }
    await assert.rejects(ask())
    assert.equal(world.live(), 0)
    assert.deepEqual(await world.open(), [])
    assert.deepEqual((await world.ends()).at(-1), 'revoked by failed')
  }
})

test('a token that cannot be ended while its job ended is known to the sweep, of any broker', async (t) => {
  const world = await openWorld(t)
  const { ask, revoke } = world.broker()
  world.github.fault = async (asked, when) => {
    if (asked.startsWith('DELETE')) return { status: 503, body: '' }
    if (asked.startsWith('POST') && when === 'after') await revoke.endJob(job, 'test')
    return undefined
  }
  await assert.rejects(ask())
  assert.equal(world.live(), 1)
  const [stuck] = await world.open()
  assert.deepEqual([stuck?.state, stuck?.endedBy], ['stuck', 'job_end'])
  world.github.fault = () => undefined
  world.tools.advance(121_000)
  await world.broker().sweep.round()
  assert.equal(world.live(), 0)
  assert.deepEqual(await world.open(), [])
  assert.equal((await world.ends()).at(-1), 'revoked by job_end')
})

test('what GitHub refuses, and what it never heard of, leaves no lease to wait for', async (t) => {
  const world = await openWorld(t)
  world.github.fault = () => ({ status: 422, body: '{"message":"no"}' })
  await assert.rejects(world.broker().ask(), { code: 'target_refused' })
  const full = async () => {
    throw new Failure('provider_unavailable', { reason: 'full' })
  }
  const { ask } = world.broker(undefined, { guarded: full })
  const asked = world.github.asked.length
  await assert.rejects(ask(), { code: 'provider_unavailable' })
  assert.equal(world.github.asked.length, asked)
  assert.deepEqual(await world.open(), [])
  assert.deepEqual(await world.ends(), ['revoked by failed', 'revoked by failed'])
})

test('an answer that was lost keeps the lease visible until the token is dead', async (t) => {
  const world = await openWorld(t)
  const { ask, sweep } = world.broker()
  world.github.fault = (asked, when) => (asked.startsWith('POST') && when === 'after' ? 'cut' : undefined)
  await assert.rejects(ask(), { code: 'provider_unavailable' })
  assert.equal(world.live(), 1)
  for (let minute = 0; minute < 60; minute++) {
    assert.deepEqual(
      (await world.open()).map((lease) => lease.state),
      ['stuck'],
    )
    world.tools.advance(60_000)
    await sweep.round()
  }
  assert.equal(world.live(), 0)
  world.tools.advance(20 * 60_000)
  await sweep.round()
  assert.deepEqual(await world.open(), [])
  // At once, and once more when it had not passed after minutes.
  assert.deepEqual(await world.ends(), ['stuck by failed', 'stuck by failed', 'revoked by failed'])
})
