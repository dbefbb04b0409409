import assert from 'node:assert/strict'
import type { Change } from '@mayfly/broker/store/store'
import { append, type Check, outcomeOf, tally } from './store-samples.ts'

type Take = Extract<Change, { kind: 'budget.take' }>

function take(more: Partial<Take> = {}): Change {
  const base = { kind: 'budget.take', key: 'job', take: { calls: 1 }, budget: { calls: 3 } } as const
  return { ...base, at: 1_000, until: 5_000, ...more }
}

/** What the contract says of budgets. */
export function budgetConformance(check: Check): void {
  check('a budget has what it has, whoever asks at once, and nothing of it comes back', async (opened) => {
    const budget = { calls: 50 }
    const commits = Array.from({ length: 200 }, (_, i) =>
      opened.store.commit([append(`${i}`), take({ budget })]),
    )
    assert.deepEqual(await tally(commits), { made: 50, calls_spent: 150 })
    assert.equal((await opened.store.head()).size, 50, 'what was refused wrote nothing')
    const again = await opened.reopen()
    assert.equal(await outcomeOf(again.commit([take({ budget })])), 'calls_spent')
    await again.commit([take({ budget: { calls: 51 } })])
    await again.commit([take({ budget, key: 'other' })])
  })

  check('each part of a budget is counted for itself, and a take is all or nothing', async ({ store }) => {
    const budget = { calls: 10, writes: 1, rows: 100, bytes: 1_000 }
    await store.commit([take({ budget, take: { calls: 1, writes: 1, rows: 60, bytes: 900 } })])
    assert.equal(
      await outcomeOf(store.commit([take({ budget, take: { calls: 1, writes: 1 } })])),
      'writes_spent',
    )
    assert.equal(await outcomeOf(store.commit([take({ budget, take: { rows: 41 } })])), 'rows_spent')
    assert.equal(await outcomeOf(store.commit([take({ budget, take: { bytes: 101 } })])), 'bytes_spent')
    await store.commit([take({ budget, take: { rows: 40, bytes: 100 } })])
    assert.equal(
      await outcomeOf(
        store.commit([take({ budget, take: { calls: 5 } }), take({ budget, take: { calls: 5 } })]),
      ),
      'calls_spent',
    )
    await store.commit([take({ budget, take: { calls: 9 } })])
    await store.commit([take({ budget: {}, take: { calls: 1, writes: 1, rows: 1, bytes: 1 } })])
  })

  check('minutes run from the first use', async ({ store }) => {
    const budget = { minutes: 2 }
    await store.commit([take({ budget, at: 1_000 })])
    await store.commit([take({ budget, at: 1_119 })])
    assert.equal(await outcomeOf(store.commit([take({ budget, at: 1_120 })])), 'minutes_spent')
    assert.equal(
      await outcomeOf(store.commit([take({ key: 'none', budget: { minutes: 0 } })])),
      'minutes_spent',
    )
  })

  check('what is used is forgotten after its end, and no sooner', async ({ store }) => {
    const budget = { calls: 1 }
    await store.commit([take({ budget, until: 2_000 })])
    await store.commit([take({ budget: {}, until: 3_000 })])
    assert.equal(await store.prune(3_000, 0, 100), 0)
    assert.equal(await outcomeOf(store.commit([take({ budget })])), 'calls_spent')
    assert.equal(await store.prune(3_001, 0, 100), 1)
    await store.commit([take({ budget })])
  })

  check('a key that no database keeps as it is fails alone', async ({ store }) => {
    const [bad, good] = await Promise.allSettled([
      store.commit([take({ key: 'a\u0000' })]),
      store.commit([take()]),
    ])
    assert.deepEqual([bad?.status, good?.status], ['rejected', 'fulfilled'])
  })
}
