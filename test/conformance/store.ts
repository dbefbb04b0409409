import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Store } from '@mayfly/broker/store/store'
import { budgetConformance } from './store-budgets.ts'
import { jobsConformance } from './store-jobs.ts'
import { leaseConformance } from './store-leases.ts'
import { logConformance } from './store-log.ts'
import {
  append,
  type Check,
  create,
  type OpenedStore,
  type OpenStore,
  outcomeOf,
  revoke,
  sampleKey,
  sampleLease,
  spend,
  tally,
  texts,
} from './store-samples.ts'
import { secretConformance } from './store-secrets.ts'

/** The contract of `Store` as tests; every adapter runs them. `open` gives a fresh, empty store each time. */
export function storeConformance(name: string, open: OpenStore): void {
  const check = (title: string, run: (opened: OpenedStore) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const opened = await open()
      try {
        await run(opened)
      } finally {
        await opened.remove()
      }
    })
  budgetConformance(check)
  commitConformance(check)
  conditionConformance(check)
  contentConformance(check)
  endConformance(check)
  jobsConformance(check)
  leaseConformance(check)
  logConformance(check)
  secretConformance(check)
}

function commitConformance(check: Check): void {
  check('a commit with a conflict writes nothing of itself', async ({ store }) => {
    await store.commit([spend('token')])
    const late = [append('lost'), create(sampleLease('ls_1')), spend('token')]
    assert.equal(await outcomeOf(store.commit(late)), 'spent')
    assert.equal(await store.lease('ls_1'), undefined)
    assert.equal((await store.head()).size, 0)
  })

  check('of 1,000 commits that spend one token at once, one is made', async ({ store }) => {
    const commits = Array.from({ length: 1_000 }, (_, i) =>
      store.commit([spend('token'), create(sampleLease(`ls_${i}`)), append(`entry ${i}`)]),
    )
    assert.deepEqual(await tally(commits), { made: 1, spent: 999 })
    assert.equal((await store.leases({ limit: 10 })).length, 1)
    assert.equal((await store.head()).size, 1)
  })

  check('a conflict never touches the commits that share its group', async ({ store }) => {
    await store.commit([spend('token')])
    const commits = Array.from({ length: 200 }, (_, i) =>
      store.commit([append(`entry ${i}`), spend(i % 2 === 0 ? 'token' : `own ${i}`)]),
    )
    assert.deepEqual(await tally(commits), { made: 100, spent: 100 })
    assert.deepEqual(
      (await texts(store)).toSorted(),
      Array.from({ length: 100 }, (_, i) => `entry ${i * 2 + 1}`).toSorted(),
    )
  })
}

function conditionConformance(check: Check): void {
  check('the conditions of one commit see its own earlier changes', async ({ store }) => {
    const job = { issuer: 'github', id: '7' }
    assert.equal(await outcomeOf(store.commit([spend('a'), spend('a')])), 'spent')
    const two = [create(sampleLease('ls_1', { job }), 1), create(sampleLease('ls_2', { job }), 1)]
    assert.equal(await outcomeOf(store.commit(two)), 'job_limit')
    const ended = [{ kind: 'job.end', job, until: 9 } as const, create(sampleLease('ls_1', { job }))]
    assert.equal(await outcomeOf(store.commit(ended)), 'job_ended')
    const twice = [create(sampleLease('ls_1')), revoke('ls_1'), revoke('ls_1')]
    assert.equal(await outcomeOf(store.commit(twice)), 'lease_state')
    const keys = [1, 1].map((generation) => ({ kind: 'key.create', key: sampleKey(generation) }) as const)
    assert.equal(await outcomeOf(store.commit(keys)), 'key_exists')
    assert.equal(await outcomeOf(store.commit([spend('a'), create(sampleLease('ls_1'))])), 'made')
    assert.equal((await store.leases({ limit: 10 })).length, 1)
  })

  check('a lease whose id is taken fails alone', async ({ store }) => {
    await store.commit([create(sampleLease('ls_1', { target: 'first' }))])
    const results = await Promise.allSettled([
      store.commit([spend('a'), create(sampleLease('ls_1', { target: 'second' }))]),
      store.commit([spend('b'), create(sampleLease('ls_2'))]),
    ])
    assert.deepEqual(
      results.map((each) => each.status),
      ['rejected', 'fulfilled'],
    )
    assert.equal((await store.lease('ls_1'))?.target, 'first')
    assert.equal(await outcomeOf(store.commit([spend('a')])), 'made')
  })
}

function contentConformance(check: Check): void {
  check('what a commit said is read back at once, and after opening again', async (opened) => {
    const lease = sampleLease('ls_1', { job: { issuer: 'github', id: '7', run: '3/1' } })
    await opened.store.commit([
      spend('a'),
      create(lease),
      append('entry'),
      { kind: 'key.create', key: sampleKey(1) },
    ])
    const same = async (store: Store) => {
      assert.deepEqual(plain(await store.lease('ls_1')), plain(lease))
      assert.deepEqual((await store.keys('token')).map(plain), [plain(sampleKey(1))])
      assert.deepEqual(await texts(store), ['entry'])
    }
    await same(opened.store)
    const again = await opened.reopen()
    await same(again)
    assert.equal(await outcomeOf(again.commit([spend('a')])), 'spent')
  })
  check('hostile text is kept exactly or refused alone, and spoils nobody else', checkHostileTexts)
}

const hostile = [
  "'; DROP TABLE lease; --",
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff',
  '🦋',
  '"\\',
  '%_',
  '{}',
  '',
]

async function checkHostileTexts({ store }: OpenedStore): Promise<void> {
  const commits = hostile.map((value, i) =>
    store.commit([
      spend(`token ${value}`),
      create(sampleLease(`ls_${i}`, { subject: value, grants: [value], job: { issuer: 'g', id: value } }), 1),
    ]),
  )
  assert.deepEqual(await tally(commits), { made: hostile.length })
  for (const [i, value] of hostile.entries()) {
    assert.equal((await store.lease(`ls_${i}`))?.subject, value)
    const ofJob = await store.leases({ job: { issuer: 'g', id: value }, limit: 10 })
    assert.deepEqual(
      ofJob.map((each) => each.id),
      [`ls_${i}`],
    )
    assert.equal(await outcomeOf(store.commit([spend(`token ${value}`)])), 'spent')
  }
  const reads = await Promise.all(['ls_0', ...hostile, 'ls_1'].map((id) => store.lease(id)))
  assert.deepEqual(
    reads.filter((each) => each !== undefined).map((each) => each.id),
    ['ls_0', 'ls_1'],
  )
  for (const value of hostile) {
    assert.deepEqual(await store.leases({ target: value, limit: 10 }), [])
    assert.deepEqual(await store.leases({ after: `ls_9${value}`, limit: 10 }), [])
    assert.deepEqual(await store.keys(value), [])
  }
  const [bad, good] = await Promise.allSettled([
    store.commit([create(sampleLease('ls_\u0000'))]),
    store.commit([create(sampleLease('ls_good'))]),
  ])
  assert.deepEqual([bad?.status, good?.status], ['rejected', 'fulfilled'])
}

function endConformance(check: Check): void {
  check('close finishes what was accepted, then refuses', async (opened) => {
    const commits = Array.from({ length: 300 }, (_, i) => opened.store.commit([append(`entry ${i}`)]))
    const closed = opened.store.close()
    await assert.rejects(opened.store.commit([append('late')]), {
      name: 'Failure',
      code: 'provider_unavailable',
    })
    await Promise.all([...commits, closed])
    await opened.store.close()
    assert.equal((await (await opened.reopen()).head()).size, 300)
  })

  check('more commits than may wait are turned away, and the others are made', async ({ store }) => {
    const commits = Array.from({ length: 12_000 }, (_, i) => store.commit([spend(`token ${i}`)]))
    const results = await Promise.allSettled(commits)
    const refused = results.filter((each) => each.status === 'rejected')
    assert.ok(refused.length > 0 && refused.length <= 2_000, `${refused.length} refused`)
    for (const each of refused) assert.equal(each.reason?.code, 'provider_unavailable')
    const again = Array.from({ length: 5 }, (_, i) => store.commit([spend(`token ${i}`)]))
    assert.deepEqual(await tally(again), { spent: 5 })
  })

  check('ping answers while the store is open and throws afterwards', async ({ store }) => {
    await store.ping()
    await store.close()
    await assert.rejects(store.ping())
  })
}

/** Without prototypes and views, so that two records compare by their content. */
function plain(record: object | undefined): unknown {
  return record === undefined
    ? undefined
    : Object.fromEntries(
        Object.entries(record).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? [...value] : value,
        ]),
      )
}
