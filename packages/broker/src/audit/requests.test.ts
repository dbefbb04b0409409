import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import type { AuditEvent } from '../domain.ts'
import { openMetrics } from '../http/metrics.ts'
import { openRecorder } from './recorder.ts'
import { openRequests, type RequestEvent } from './requests.ts'

const request = (lease = 'ls_1', path = '/'): RequestEvent => ({
  ...{ type: 'route.request', route: 'orders', target: 'orders-api', lease },
  carried: { kind: 'http', method: 'GET', path },
})

function open(more: { entries?: number; bytes?: number; all?: number; each?: number } = {}) {
  const lines: string[] = []
  const log = { debug() {}, info() {}, warn: tell, error: tell }
  function tell(what: string, fields: object = {}): void {
    lines.push(`${what} ${JSON.stringify(fields)}`)
  }
  const tools = fakeTools(undefined, log)
  const metrics = openMetrics({ issuers: [], targets: ['orders-api'], routes: [] }, { process: false })
  const commits: AuditEvent[][] = []
  const store = { away: false }
  const requests = openRequests({
    ...{ tools, record: openRecorder(tools), lost: (target) => metrics.requestLost(target) },
    commit: async (changes) => {
      if (store.away) throw new Error('the store is away')
      commits.push(
        changes.map((change) => JSON.parse(change.kind === 'append' ? String(change.entry) : '{}')),
      )
    },
    waiting: { entries: more.entries ?? 100, bytes: more.bytes ?? 100_000 },
    allowances: {
      all: { burst: more.all ?? 1_000, perSecond: 1 },
      each: { burst: more.each ?? 1_000, perSecond: 1 },
    },
  })
  const pass = async (ms: number) => {
    tools.advance(ms)
    for (let i = 0; i < 5; i++) await turn()
  }
  const counted = async () =>
    Number(/unrecorded_total\{target="orders-api"\} ([0-9]+)/.exec(await metrics.text())?.[1] ?? 0)
  return { requests, commits, store, tools, lines, pass, counted }
}

const count = (events: readonly AuditEvent[] = []) =>
  events.filter(({ type }) => type === 'route.request').length

test('what is written behind the answers is written many at a time, in order', async () => {
  const { requests, commits, pass, tools } = open({ entries: 2_000, bytes: 1e9 })
  for (let i = 0; i < 600; i++) requests.behind(request('ls_1', `/${i}`))
  assert.deepEqual(commits, [])
  await pass(200)
  assert.deepEqual(commits.map(count), [512, 88])
  assert.equal(tools.waiting(), 0)
})

test('what waits is bounded in number and in bytes; what is lost is counted, told and has an entry', async () => {
  for (const bound of [{ entries: 3 }, { bytes: 500 }]) {
    const { requests, commits, store, pass, counted, lines } = open(bound)
    store.away = true
    for (let i = 0; i < 10; i++) requests.behind(request())
    await pass(200)
    assert.equal(await counted(), 7)
    store.away = false
    await pass(1_000)
    assert.equal(count(commits[0]), 3)
    assert.deepEqual(
      commits[0]?.flatMap((event) => (event.type === 'requests.lost' ? [event.counts] : [])),
      [{ 'orders-api': 7 }],
    )
    await requests.close()
    assert.match(lines.join('\n'), /requests have no entry.*"count":1\}[\s\S]*requests could not be recorded/)
    assert.match(lines.at(-1) ?? '', /requests have no entry.*"count":6/)
  }
})

test('what could not be written waits and is written once', async () => {
  const { requests, commits, store, pass } = open()
  store.away = true
  requests.behind(request())
  for (let i = 0; i < 3; i++) await pass(1_000)
  store.away = false
  requests.behind(request())
  await pass(1_000)
  assert.deepEqual(commits.map(count), [2])
})

test('what waited for four minutes is lost: entries stay about in the order of time', async () => {
  const { requests, commits, store, pass, counted } = open()
  store.away = true
  requests.behind(request('ls_1', '/old'))
  for (let i = 0; i < 235; i++) await pass(1_000)
  requests.behind(request('ls_1', '/new'))
  for (let i = 0; i < 10; i++) await pass(1_000)
  assert.equal(await counted(), 1)
  store.away = false
  await pass(1_000)
  assert.match(JSON.stringify(commits), /"\/new"/)
  assert.doesNotMatch(JSON.stringify(commits), /"\/old"/)
})

test('a lease that asks too often loses entries or is refused, and another one does not', async () => {
  const { requests, commits, pass, counted } = open({ each: 3 })
  for (let i = 0; i < 5; i++) requests.behind(request('ls_1'))
  for (let i = 0; i < 2; i++) requests.behind(request('ls_2'))
  await pass(200)
  assert.equal(count(commits[0]), 5)
  assert.equal(await counted(), 2)
  await assert.rejects(requests.durable(request('ls_1')), { code: 'rate_limited' })
  assert.match(await requests.durable(request('ls_2')), /^au_/)
  await pass(60_000)
  assert.match(await requests.durable(request('ls_1')), /^au_/)
})

test('closing writes what waits; what then cannot be written is lost and counted', async () => {
  const one = open()
  one.requests.behind(request())
  await one.requests.close()
  assert.deepEqual(one.commits.map(count), [1])
  const other = open()
  other.store.away = true
  other.requests.behind(request())
  await other.requests.close()
  assert.equal(await other.counted(), 1)
  other.requests.behind(request())
  assert.equal(await other.counted(), 2)
})

test('losses have at most one entry a minute', async () => {
  const { requests, commits, pass } = open({ each: 1 })
  for (let i = 0; i < 30; i++) {
    requests.behind(request())
    requests.behind(request())
    await pass(1_000)
  }
  await requests.close()
  const losses = commits.flat().filter(({ type }) => type === 'requests.lost')
  assert.ok(losses.length <= 2, String(losses.length))
})
