import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMetrics } from './metrics.ts'

const names = { issuers: ['github'], targets: ['orders-api'], routes: ['orders'] }

test('exchanges are counted by outcome, target and issuer', async () => {
  const metrics = openMetrics(names, { process: false })
  metrics.exchange('issued', 'orders-api', 'github')
  metrics.exchange('issued', 'orders-api', 'github')
  metrics.exchange('subject_token_invalid', 'orders-api', undefined)
  const text = await metrics.text()
  assert.match(text, /mayfly_exchanges_total\{outcome="issued",target="orders-api",issuer="github"\} 2/)
  assert.match(text, /\{outcome="subject_token_invalid",target="orders-api",issuer="none"\} 1/)
})

test('names that nobody configured add no series, whoever sends them', async () => {
  const metrics = openMetrics(names, { process: false })
  for (let i = 0; i < 100; i++) {
    metrics.exchange('target_refused', `made-up-${i}`, `issuer-${i}`)
    metrics.routeRequest(`route-${i}`, 'target_refused')
    metrics.leaseEnded(`gone-${i}`, 'expired')
  }
  const text = await metrics.text()
  assert.equal(text.match(/^mayfly_exchanges_total\{/gm)?.length, 1)
  assert.equal(text.match(/^mayfly_(route_requests|leases_ended)_total\{/gm)?.length, 2)
  assert.doesNotMatch(text, /made-up/)
})

test('a name of a policy that was loaded later is known from then on', async () => {
  const metrics = openMetrics(names, { process: false })
  metrics.knows({ targets: ['billing-api'] })
  metrics.exchange('issued', 'billing-api', 'github')
  assert.match(await metrics.text(), /target="billing-api"/)
})

test('times are in seconds, and a gauge is read when it is asked for', async () => {
  const metrics = openMetrics(names, { process: false })
  let live = 1
  metrics.gauge('mayfly_leases_live', 'Live leases', () => live)
  live = 7
  metrics.request('token', 200, 4)
  metrics.webhook('github', 'accepted')
  const text = await metrics.text()
  assert.match(text, /mayfly_leases_live 7/)
  assert.match(text, /mayfly_http_request_duration_seconds_sum 0.004/)
  assert.match(text, /mayfly_http_requests_total\{door="token",status="200"\} 1/)
})

test('two brokers in one process count for themselves', async () => {
  const one = openMetrics(names, { process: true })
  const two = openMetrics(names, { process: true })
  one.exchange('issued', 'orders-api', 'github')
  assert.doesNotMatch(await two.text(), /outcome="issued"/)
  assert.match(await two.text(), /process_cpu_seconds_total/)
})

test('the age of a static secret that is gone is shown no more', async () => {
  const metrics = openMetrics({ issuers: [], targets: [], routes: [] }, { process: false })
  const ages = new Map([
    ['npm', 12],
    ['licence', 7],
  ])
  metrics.secretAges(async () => ages)
  assert.match(await metrics.text(), /^mayfly_secret_age_seconds\{secret="licence"\} 7$/m)
  ages.delete('licence')
  const text = await metrics.text()
  assert.match(text, /^mayfly_secret_age_seconds\{secret="npm"\} 12$/m)
  assert.ok(!text.includes('licence'))
})
