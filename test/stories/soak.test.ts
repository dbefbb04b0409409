/** A day of mixed traffic leaves memory, sockets and file descriptors where they were. The whole day: `npm run bench -- soak`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from '../fakes/soak.ts'

test('twenty minutes of traffic of every kind leaves nothing behind in the broker', async () => {
  const { before, after, jobs, tally } = await soak(1 / 3)
  const seen = JSON.stringify([...tally])
  const happened = [
    ...[
      'sign-in 200',
      'call 200',
      'upload 200',
      'chunks 200',
      'after the end 401',
      'webhook 202',
      'stream cut',
    ],
    ...[
      'caller left',
      'refused 401',
      'outside 403',
      'garbage',
      'session closed',
      'session cut',
      'stranger refused',
      'tools 200',
      'tool done',
      'hidden tool unknown',
      'tools after the end 401',
      'page 200',
      'script 200',
      'sign-out 303',
      'logout 200',
    ],
  ]
  for (const what of happened) assert.ok(tally.has(what), `${what} never happened: ${seen}`)
  assert.ok((tally.get('torn') ?? 0) < jobs / 10, seen)
  for (const what of ['descriptors', 'sockets', 'timers'] as const)
    assert.ok(after[what] <= before[what] + 2, `${what}: ${JSON.stringify({ before, after })}`)
  const memory = ({ heap, buffers }: typeof before) => heap + buffers
  assert.ok(memory(after) <= memory(before) * 1.25 + 8_000_000, JSON.stringify({ before, after, jobs }))
})
