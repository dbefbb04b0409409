import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakeTools, fakeTools } from '../../../../test/fakes/clock.ts'
import { fakeDoors } from '../../test/doors.ts'
import type { Doors } from './doors.ts'
import { answerReadiness } from './health.ts'
import { restrained } from './restrained.ts'

function open(changes: Partial<Doors>, tools: FakeTools = fakeTools()) {
  return { tools, doors: restrained(fakeDoors({ ...changes, tools }).doors) }
}

/** Work that never ends, until it is told to work. */
function hanging() {
  const seen = { asked: 0, hangs: true }
  const ready = () => {
    seen.asked += 1
    return seen.hangs ? new Promise<never>(() => {}) : Promise.resolve({ store: true })
  }
  return { seen, ready }
}

test('many who ask at once, and those who ask soon after, share one answer', async () => {
  const { seen, ready } = hanging()
  seen.hangs = false
  const { doors, tools } = open({ ready })
  await Promise.all(Array.from({ length: 50 }, () => doors.ready()))
  await doors.ready()
  assert.equal(seen.asked, 1)
  tools.advance(1000)
  await doors.ready()
  assert.equal(seen.asked, 2)
})

test('readiness that hangs is a no in time, for everybody who waits', async () => {
  const { seen, ready } = hanging()
  const { doors, tools } = open({ ready })
  const answers = Array.from({ length: 5 }, () => answerReadiness(doors, false))
  tools.advance(1999)
  answers.push(answerReadiness(doors, false))
  tools.advance(1)
  for (const { status } of await Promise.all(answers)) assert.equal(status, 503)
  assert.equal(seen.asked, 1)
  assert.equal(tools.waiting(), 0)
})

test('work that never ended does not stand in the way once all is well again', async () => {
  const { seen, ready } = hanging()
  const { doors, tools } = open({ ready })
  const first = answerReadiness(doors, false)
  tools.advance(2000)
  assert.equal((await first).status, 503)
  seen.hangs = false
  assert.equal((await answerReadiness(doors, false)).status, 200)
})

test('metrics that hang end as well', async () => {
  const { doors, tools } = open({ metricsText: () => new Promise(() => {}) })
  const asked = assert.rejects(doors.metricsText(), { code: 'provider_unavailable' })
  tools.advance(2000)
  await asked
})
