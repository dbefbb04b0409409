import assert from 'node:assert/strict'
import type { Job } from '@mayfly/broker/domain'
import type { Store } from '@mayfly/broker/store/store'
import { append, type Check, create, outcomeOf, sampleLease, spend, tally } from './store-samples.ts'

/** Jobs and runs: what ends with them, and what can't come any more. */
export function jobsConformance(check: Check): void {
  jobConformance(check)
  runConformance(check)
  jobLeaseConformance(check)
}

const byId = { issuer: 'github', id: '7', run: '3/1' }
const byRun = { issuer: 'github', run: '3/1' }

function jobConformance(check: Check): void {
  check('a job that ended gets no lease, by its id or else by its run', async ({ store }) => {
    for (const job of [byId, byRun]) {
      const leaseId = `ls_${job === byId}`
      assert.equal(await outcomeOf(store.commit([create(sampleLease(leaseId, { job }))])), 'made')
      await store.commit([{ kind: 'job.end', job, until: 9_000 }])
      await store.commit([{ kind: 'job.end', job, until: 9_000 }])
      assert.equal(await outcomeOf(store.commit([create(sampleLease('ls_late', { job }))])), 'job_ended')
    }
    const others = [
      { ...byId, issuer: 'gitlab' },
      { issuer: 'github', id: '8' },
      { ...byId, id: '8', run: '3/2' },
      { ...byRun, run: '3/2' },
      { issuer: 'github', id: '3/1' },
      { issuer: 'github' },
    ]
    for (const [i, job] of others.entries()) {
      assert.equal(await outcomeOf(store.commit([create(sampleLease(`ls_other_${i}`, { job }))])), 'made')
    }
  })

  check('a job that ended before it asked stays ended', async ({ store }) => {
    await store.commit([{ kind: 'job.end', job: byId, until: 9_000 }])
    assert.equal(await outcomeOf(store.commit([create(sampleLease('ls_1', { job: byId }))])), 'job_ended')
  })

  check('a job gets exactly its limit of leases however many ask at once', async ({ store }) => {
    const commits = Array.from({ length: 300 }, (_, i) =>
      store.commit([spend(`t${i}`), create(sampleLease(`ls_${i}`, { job: byId }), 20), append(`e${i}`)]),
    )
    assert.deepEqual(await tally(commits), { made: 20, job_limit: 280 })
    assert.equal((await store.leases({ job: byId, limit: 100 })).length, 20)
    assert.equal((await store.head()).size, 20)
  })
}

function runConformance(check: Check): void {
  const made = async (store: Store, id: string, job: Job, limit?: number) =>
    outcomeOf(store.commit([create(sampleLease(id, { job }), limit)]))

  check('a run that ended as a whole ends all of its jobs, whether known by id or not', async ({ store }) => {
    assert.equal(await made(store, 'ls_before', byId), 'made')
    await store.commit([{ kind: 'job.end', job: byRun, until: 9_000 }])
    for (const job of [byId, { ...byId, id: '8' }, byRun])
      assert.equal(await made(store, 'ls_late', job), 'job_ended')
    for (const [i, run] of ['3/2', '3', '3/11'].entries())
      assert.equal(await made(store, `ls_other_${i}`, { ...byId, id: `${i}`, run }), 'made')
    assert.equal(await made(store, 'ls_foreign', { ...byId, issuer: 'gitlab' }), 'made')
    assert.equal(await store.prune(9_001, 0, 10), 1)
    assert.equal(await made(store, 'ls_forgotten', byId), 'made')
  })

  check('a job that ended leaves the other jobs of its run alone', async ({ store }) => {
    await store.commit([{ kind: 'job.end', job: byId, until: 9_000 }])
    assert.equal(await made(store, 'ls_own', byId), 'job_ended')
    assert.equal(await made(store, 'ls_sibling', { ...byId, id: '8' }), 'made')
    assert.equal(await made(store, 'ls_nameless', byRun), 'made')
  })

  check('the end of a run counts within the commit and the group that it is in', async ({ store }) => {
    const end = { kind: 'job.end', job: byRun, until: 9_000 } as const
    const together = store.commit([end, create(sampleLease('ls_0', { job: byId }))])
    assert.equal(await outcomeOf(together), 'job_ended')
    const [first, second] = [store.commit([end]), made(store, 'ls_1', byId)]
    await first
    assert.equal(await second, 'job_ended')
  })

  check('the jobs of a run have their limits each for itself', async ({ store }) => {
    for (const [i, job] of [byId, byRun, { ...byId, id: '8' }].entries()) {
      assert.equal(await made(store, `ls_${i}_a`, job, 1), 'made')
      assert.equal(await made(store, `ls_${i}_b`, job, 1), 'job_limit')
    }
  })
}

function jobLeaseConformance(check: Check): void {
  check(
    'leases of a job are those of its id and those of its run without id; of a run, all',
    async ({ store }) => {
      await store.commit([
        create(sampleLease('ls_id', { job: byId })),
        create(sampleLease('ls_run', { job: byRun })),
        create(sampleLease('ls_sibling', { job: { ...byId, id: '8' } })),
        create(sampleLease('ls_foreign', { job: { ...byId, issuer: 'gitlab' } })),
        create(sampleLease('ls_none')),
      ])
      const ids = async (job: Job) => (await store.leases({ job, limit: 10 })).map((each) => each.id)
      assert.deepEqual(await ids(byId), ['ls_id', 'ls_run'])
      assert.deepEqual(await ids({ issuer: 'github', id: '7' }), ['ls_id'])
      assert.deepEqual(await ids(byRun), ['ls_id', 'ls_run', 'ls_sibling'])
      assert.deepEqual(await store.leases({ job: { issuer: 'github' }, limit: 10 }), [])
    },
  )
}
