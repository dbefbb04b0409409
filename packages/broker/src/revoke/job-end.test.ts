import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { openWorld } from '../../test/leases.ts'
import { Secret } from '../base/secret.ts'
import { silent } from '../base/tools.ts'
import type { AuditEvent, Job, Lease } from '../domain.ts'
import { type GithubDelivery, openGithubJobEnd } from './job-end.ts'

const secret = "It's a Secret to Everybody"
const sign = (body: Uint8Array | string, key = secret) =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

const completed = {
  action: 'completed',
  workflow_job: {
    id: 29679449526,
    run_id: 9001,
    run_attempt: 1,
    status: 'completed',
    conclusion: 'success',
    check_run_url: 'https://api.github.com/repos/acme/shop/check-runs/5551',
  },
  repository: { id: 40211 },
}

function delivery(payload: unknown, over: Partial<GithubDelivery> = {}): GithubDelivery {
  const body = new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload))
  return { event: 'workflow_job', id: 'd-1', body, signature: sign(body), ...over }
}

function open(issuers: readonly string[] = ['github']) {
  const ended: Job[] = []
  const recorded: AuditEvent[] = []
  let committed = 0
  const door = openGithubJobEnd({
    secret: new Secret(secret),
    issuers,
    endJob: async (job, via) => {
      assert.equal(via, 'github-webhook')
      ended.push(job)
      return 2
    },
    refuse: async (event) => {
      recorded.push(event)
      committed += 1
      return 'au_1'
    },
    tools: { log: silent },
  })
  return { door, ended, recorded, committed: () => committed }
}

test('the signature is the one that GitHub documents', async () => {
  const body = new TextEncoder().encode('Hello, World!')
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
  assert.equal(sign(body), signature)
  const { door } = open()
  assert.equal((await door.receive({ event: 'ping', id: 'd', body, signature })).status, 'ignored')
})

test('a job that is completed ends, known by the id that its tokens carry', async () => {
  const { door, ended } = open(['github', 'ghes'])
  assert.deepEqual(await door.receive(delivery(completed)), { status: 'ended', leases: 4 })
  assert.deepEqual(ended, [
    { issuer: 'github', id: '5551', run: '9001/1' },
    { issuer: 'ghes', id: '5551', run: '9001/1' },
  ])
})

test('a server that does not say the attempt of a job still ends the job', async () => {
  const { door, ended } = open()
  const { run_attempt: _, ...job } = completed.workflow_job
  await door.receive(delivery({ ...completed, workflow_job: job }))
  assert.deepEqual(ended, [{ issuer: 'github', id: '5551' }])
})

test('a run that is completed ends as a whole, by run and attempt', async () => {
  const { door, ended } = open()
  const run = { action: 'completed', workflow_run: { id: 9001, run_attempt: 2 } }
  await door.receive(delivery(run, { event: 'workflow_run' }))
  assert.deepEqual(ended, [{ issuer: 'github', run: '9001/2' }])
})

test('other events and actions are taken and ignored', async () => {
  const { door, ended, recorded } = open()
  for (const action of ['queued', 'in_progress', 'waiting', 'Completed'])
    assert.equal((await door.receive(delivery({ ...completed, action }))).status, 'ignored')
  for (const event of ['ping', 'push', 'check_run', '', 'workflow_job '])
    assert.equal((await door.receive(delivery(completed, { event }))).status, 'ignored')
  assert.deepEqual([ended, recorded], [[], []])
})

test('nothing of a delivery is believed, or even read, without a right signature; the refusal is recorded', async () => {
  const good = delivery(completed)
  const other = delivery({ ...completed, repository: { id: 1 } })
  const bad = [
    '',
    'sha256=',
    `sha1=${createHmac('sha1', secret).update(good.body).digest('hex')}`,
    good.signature.slice(0, -1),
    `${good.signature}00`,
    good.signature.toUpperCase(),
    good.signature.replace('sha256=', ''),
    ` ${good.signature}`,
    `sha256=${'0'.repeat(64)}`,
    `sha256=${'z'.repeat(64)}`,
    other.signature,
    sign(good.body, 'another secret of enough length'),
    sign(good.body, ''),
  ]
  for (const signature of bad) {
    const { door, ended, recorded, committed } = open()
    const hostile = { ...good, signature }
    await assert.rejects(door.receive(hostile), { code: 'client_rejected' })
    await assert.rejects(door.receive({ ...hostile, body: new TextEncoder().encode('{not json') }), {
      code: 'client_rejected',
    })
    assert.deepEqual(ended, [])
    assert.deepEqual(
      recorded.map((event) => event.type),
      ['webhook.refused', 'webhook.refused'],
    )
    assert.equal(committed(), 2)
  }
})

test('every digit of the signature counts', async () => {
  const { door, ended } = open()
  const good = delivery(completed)
  for (let at = 'sha256='.length; at < good.signature.length; at++) {
    const digit = good.signature[at] === '0' ? '1' : '0'
    const signature = good.signature.slice(0, at) + digit + good.signature.slice(at + 1)
    await assert.rejects(door.receive({ ...good, signature }), { code: 'client_rejected' })
  }
  assert.deepEqual(ended, [])
})

test('a signed body of another form is malformed, and ends nothing', async () => {
  const job = completed.workflow_job
  const bodies: unknown[] = [
    '',
    '{',
    'null',
    '[]',
    '"completed"',
    '\ufffe{}',
    {},
    { action: ['completed'] },
    { action: 'completed' },
    { action: 'completed', workflow_job: null },
    ...[
      undefined,
      5551,
      '',
      '5551',
      'https://api.github.com/repos/acme/shop/check-runs/',
      'https://api.github.com/repos/acme/shop/check-runs/5551/',
      'https://api.github.com/repos/acme/shop/check-runs/5551?x=1',
      'https://api.github.com/repos/acme/shop/check-runs/-1',
      'https://api.github.com/repos/acme/shop/check-runs/5551\n',
      'https://api.github.com/repos/acme/shop/check-runs/٥',
      `https://api.github.com/repos/acme/shop/check-runs/${'1'.repeat(21)}`,
    ].map((check_run_url) => ({ ...completed, workflow_job: { ...job, check_run_url } })),
  ]
  for (const body of bodies) {
    const { door, ended } = open()
    await assert.rejects(door.receive(delivery(body)), { code: 'request_malformed' }, JSON.stringify(body))
    assert.deepEqual(ended, [])
  }
  for (const run of [
    {},
    { id: '9001', run_attempt: 1 },
    { id: 1.5, run_attempt: 1 },
    { id: 9001, run_attempt: -1 },
  ]) {
    const { door } = open()
    const given = delivery({ action: 'completed', workflow_run: run }, { event: 'workflow_run' })
    await assert.rejects(door.receive(given), { code: 'request_malformed' })
  }
})

test('bytes that are not UTF-8 are malformed', async () => {
  const body = Buffer.concat([
    Buffer.from('{"action":"completed","x":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ])
  await assert.rejects(open().door.receive(delivery('', { body, signature: sign(body) })), {
    code: 'request_malformed',
  })
})

test('a secret that is none stops the start', () => {
  const parts = { issuers: ['github'], endJob: async () => 0, refuse: async () => 'au_1' }
  for (const value of ['', 'short'])
    assert.throws(() => openGithubJobEnd({ ...parts, secret: new Secret(value), tools: { log: silent } }), {
      detail: /at least 16/,
    })
})

async function openWithWorld() {
  const world = await openWorld()
  const refuse = async (event: AuditEvent) => {
    await world.store.commit([world.record(event)])
    return 'au_1'
  }
  const parts = { endJob: world.revoke.endJob, refuse, tools: world.tools }
  return { world, door: openGithubJobEnd({ ...parts, secret: new Secret(secret), issuers: ['github'] }) }
}

test('the end of a job takes what has no id in its run, and leaves siblings that have one', async () => {
  const { world, door } = await openWithWorld()
  const jobs: Job[] = [
    { issuer: 'github', id: '5551', run: '9001/1' },
    { issuer: 'github', run: '9001/1' },
    { issuer: 'github', id: '5552', run: '9001/1' },
    { issuer: 'github', run: '9001/2' },
  ]
  const leases: Lease[] = []
  for (const job of jobs) leases.push(await world.lease({ job, kind: 'database' }))
  assert.equal((await door.receive(delivery(completed))).leases, 2)
  const states = await Promise.all(leases.map((lease) => world.state(lease)))
  assert.deepEqual(states, ['revoked', 'revoked', 'active', 'active'])
  // A later job of an old server's run has no id either: only the end of the run refuses it.
  for (const job of jobs.slice(1)) await world.lease({ job })
})

test('the end of a run ends all of it, once, and no job of it comes back', async () => {
  const { world, door } = await openWithWorld()
  const run = { action: 'completed', workflow_run: { id: 9001, run_attempt: 1 } }
  const ofRun: Job[] = [
    { issuer: 'github', id: '5551', run: '9001/1' },
    { issuer: 'github', id: '5552', run: '9001/1' },
    { issuer: 'github', run: '9001/1' },
  ]
  for (const job of ofRun) await world.lease({ job, kind: 'database' })
  const other = await world.lease({ job: { issuer: 'github', id: '5551', run: '9001/2' } })
  const given = delivery(run, { event: 'workflow_run' })
  assert.equal((await door.receive(given)).leases, 3)
  assert.equal((await door.receive(given)).leases, 0)
  assert.equal(world.provider.live.size, 0)
  assert.equal(await world.state(other), 'active')
  for (const job of ofRun) await assert.rejects(world.lease({ job }), { kind: 'job_ended' })
})

test('a delivery that comes again changes nothing, and the job stays ended', async () => {
  const { world, door } = await openWithWorld()
  const lease = await world.lease({ kind: 'database' })
  assert.deepEqual(await door.receive(delivery(completed)), { status: 'ended', leases: 1 })
  assert.deepEqual(await door.receive(delivery(completed)), { status: 'ended', leases: 0 })
  assert.equal(await world.state(lease), 'revoked')
  assert.equal(world.provider.live.size, 0)
  assert.equal((await world.events()).filter((event) => event.type === 'lease.ended').length, 1)
  await assert.rejects(world.lease(), { kind: 'job_ended' })
})
