import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exhaust } from './exhaustive.ts'

/** Another seed every time; a red run is repeated with the seed that it printed. */
const seed = Number(process.env['MAYFLY_SEED'] ?? Date.now() % 2 ** 32)
const policies = 5000

test(`provers and evaluators agree with a search over all tokens of ${policies} random policies`, (context) => {
  const { faults, ...tally } = exhaust(seed, policies)
  context.diagnostic(`MAYFLY_SEED=${seed} ${JSON.stringify(tally)}`)
  assert.deepEqual(faults, [], `repeat with MAYFLY_SEED=${seed}`)
  assert.equal(tally.policies, policies)
  // Both verdicts, often: policies about which there is nothing to find would prove nothing.
  assert.ok(Math.min(tally.proved, tally.refuted) > policies, JSON.stringify(tally))
})
