import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import type { AuditEvent } from '../domain.ts'
import { openRefusals } from './refusals.ts'

const stranger: AuditEvent = {
  type: 'credential.refused',
  code: 'subject_token_invalid',
  reason: 'r',
  via: 'v',
}
const job: AuditEvent = {
  type: 'credential.refused',
  code: 'target_refused',
  reason: 'r',
  via: 'v',
  issuer: 'github',
}
const spent: AuditEvent = { ...job, code: 'subject_token_invalid' }
const route: AuditEvent = {
  type: 'route.refused',
  route: 'r',
  target: 't',
  action: 'GET /',
  code: 'client_rejected',
}

function open(store = { away: false }) {
  const tools = fakeTools()
  const written: AuditEvent[] = []
  let counted = 0
  const refusals = openRefusals({
    tools,
    write: async (event) => {
      if (store.away) throw new Error('the store is away')
      written.push(event)
      return `au_${written.length}`
    },
    allowances: {
      strangers: { burst: 3, perSecond: 0.5 },
      verified: { burst: 9, perSecond: 1 },
      each: { burst: 2, perSecond: 0.1 },
    },
    observe: () => counted++,
  })
  return { tools, written, refusals, counted: () => counted }
}

test('the first refusals have entries; what is beyond is one entry with counts, once a minute', async () => {
  const { tools, written, refusals, counted } = open()
  const ids: string[] = []
  for (let each = 0; each < 5; each++) ids.push(await refusals.record(stranger))
  for (let each = 0; each < 4; each++) ids.push(await refusals.record(route))
  assert.deepEqual(ids.slice(0, 3), ['au_1', 'au_2', 'au_3'])
  for (const id of ids.slice(3)) assert.match(id, /^er_/)
  assert.deepEqual([written.length, counted()], [3, 6])
  tools.advance(60_000)
  await new Promise(setImmediate)
  const counts = { 'credential.refused subject_token_invalid': 2, 'route.refused client_rejected': 4 }
  assert.deepEqual(written[3], { type: 'refusals.summed', from: 1_790_000_000, until: 1_790_000_060, counts })
  tools.advance(60_000)
  await new Promise(setImmediate)
  assert.equal(written.length, 4, 'nothing was counted, so nothing is written')
})

test('one subject that repeats itself hides no other', async () => {
  const { written, refusals } = open()
  for (let each = 0; each < 50; each++) await refusals.record({ ...job, subject: 'loud' })
  assert.equal(written.length, 2)
  await refusals.record({ ...job, subject: 'quiet' })
  assert.equal(written.length, 3)
})

test('strangers cannot hide a verified job; whoever repeats a spent token is one of them', async () => {
  const { written, refusals } = open()
  for (let each = 0; each < 50; each++) await refusals.record(each % 2 === 0 ? stranger : spent)
  assert.equal(written.length, 3)
  await refusals.record(job)
  await refusals.record({ ...route, lease: 'ls_1' })
  assert.equal(written.length, 5)
})

test('the allowance comes back with time, never beyond its burst', async () => {
  const { tools, written, refusals } = open()
  for (let each = 0; each < 9; each++) await refusals.record(stranger)
  tools.advance(4_000)
  for (let each = 0; each < 9; each++) await refusals.record(stranger)
  assert.equal(written.length, 5)
  tools.advance(50_000)
  for (let each = 0; each < 9; each++) await refusals.record(stranger)
  assert.equal(written.length, 8)
})

test('what was counted is written before the broker stops', async () => {
  const { written, refusals } = open()
  for (let each = 0; each < 4; each++) await refusals.record(stranger)
  await refusals.close()
  assert.deepEqual(written.at(-1)?.type, 'refusals.summed')
})

test('counts that could not be written are written with the next ones, from their own beginning', async () => {
  const store = { away: false }
  const { tools, written, refusals } = open(store)
  for (let each = 0; each < 5; each++) await refusals.record(stranger)
  store.away = true
  tools.advance(60_000)
  await new Promise(setImmediate)
  store.away = false
  await refusals.close()
  const counts = { 'credential.refused subject_token_invalid': 2 }
  assert.deepEqual(written[3], { type: 'refusals.summed', from: 1_790_000_000, until: 1_790_000_060, counts })
})
