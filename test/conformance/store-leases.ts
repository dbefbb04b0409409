import assert from 'node:assert/strict'
import type { Lease, Switch } from '@mayfly/broker/domain'
import type { Store } from '@mayfly/broker/store/store'
import {
  append,
  type Check,
  create,
  outcomeOf,
  revoke,
  sampleKey,
  sampleLease,
  spend,
  tally,
} from './store-samples.ts'

/** Leases, switches, keys and forgetting. */
export function leaseConformance(check: Check): void {
  stateConformance(check)
  listConformance(check)
  memberConformance(check)
  switchConformance(check)
  keyConformance(check)
  pruneConformance(check)
}

function stateConformance(check: Check): void {
  check('of many that end one lease at once, one wins', async ({ store }) => {
    await store.commit([create(sampleLease('ls_1'))])
    const commits = Array.from({ length: 100 }, (_, i) =>
      store.commit([revoke('ls_1', `by ${i}`), append(`${i}`)]),
    )
    assert.deepEqual(await tally(commits), { made: 1, lease_state: 99 })
    const lease = await store.lease('ls_1')
    assert.deepEqual([lease?.state, lease?.endedAt], ['revoked', 1_500])
    assert.equal((await store.head()).size, 1)
  })

  check('a lease moves only from the states that are named, and an unknown one never', async ({ store }) => {
    await store.commit([create(sampleLease('ls_1', { state: 'pending' }))])
    const activate = { kind: 'lease.move', id: 'ls_1', from: ['pending'], to: 'active' } as const
    assert.equal(await outcomeOf(store.commit([activate])), 'made')
    assert.equal(await outcomeOf(store.commit([activate])), 'lease_state')
    assert.equal(await outcomeOf(store.commit([revoke('ls_unknown')])), 'lease_state')
    assert.equal(await outcomeOf(store.commit([revoke('')])), 'lease_state')
    const lease = await store.lease('ls_1')
    assert.deepEqual([lease?.state, lease?.endedAt, lease?.endedBy], ['active', undefined, undefined])
  })

  check('a move may bring another handle; without one the lease keeps what it has', async (opened) => {
    const { store } = opened
    const handle = new Uint8Array([7, 0, 255])
    const activate = { kind: 'lease.move', id: 'ls_1', from: ['pending'], to: 'active' } as const
    await store.commit([create(sampleLease('ls_1', { state: 'pending' }))])
    await store.commit([{ ...activate, handle }])
    await store.commit([revoke('ls_1')])
    assert.deepEqual(new Uint8Array((await store.lease('ls_1'))?.handle ?? []), handle)
    // Together with what made the lease, and with a move after it.
    await store.commit([
      create(sampleLease('ls_2', { state: 'pending' })),
      { ...activate, id: 'ls_2', handle },
      revoke('ls_2'),
    ])
    // One that finds another state changes nothing.
    const late = store.commit([{ ...activate, id: 'ls_2', handle: new Uint8Array([1]) }])
    assert.equal(await outcomeOf(late), 'lease_state')
    await store.commit([
      create(sampleLease('ls_3', { state: 'pending' })),
      { ...activate, id: 'ls_3' },
      { ...activate, id: 'ls_3', from: ['active'], to: 'stuck', handle },
    ])
    const again = await opened.reopen()
    for (const id of ['ls_1', 'ls_2', 'ls_3'])
      assert.deepEqual(new Uint8Array((await again.lease(id))?.handle ?? []), handle, id)
  })

  check('a lookup after a revocation never sees the lease alive', async ({ store }) => {
    for (let i = 0; i < 50; i++) {
      await store.commit([create(sampleLease(`ls_${i}`))])
      const [state] = await Promise.all([store.lease(`ls_${i}`), store.lease('ls_none')])
      assert.equal(state?.state, 'active')
      await store.commit([revoke(`ls_${i}`)])
      assert.equal((await store.lease(`ls_${i}`))?.state, 'revoked')
    }
  })
}

function listConformance(check: Check): void {
  check('leases of one kind are found, whatever their subjects hold', async ({ store }) => {
    const kinds = ['ssh', 'ssh_host', 'token', 'SSH', 'ssh']
    const subject = '","kind":"ssh","x":"\\u0000'
    await store.commit(kinds.map((kind, i) => create(sampleLease(`ls_${i}`, { kind, subject }))))
    await store.commit([revoke('ls_0'), revoke('ls_2')])
    const found = async (filter: object) =>
      (await store.leases({ ...filter, limit: 10 })).map((lease) => lease.id)
    assert.deepEqual(await found({ kind: 'ssh' }), ['ls_0', 'ls_4'])
    assert.deepEqual(await found({ kind: 'ssh', states: ['revoked', 'stuck'] }), ['ls_0'])
    assert.deepEqual(await found({ kind: 'ssh', after: 'ls_0' }), ['ls_4'])
    for (const kind of ['', 'ss', '%', 's_h', '\u0000', '"']) assert.deepEqual(await found({ kind }), [])
  })

  check('due leases are the live ones that end before, soonest first', async ({ store }) => {
    const ends = [500, 100, 400, 100, 300]
    await store.commit(ends.map((expiresAt, i) => create(sampleLease(`ls_${i}`, { expiresAt }))))
    await store.commit([
      create(sampleLease('ls_pending', { state: 'pending', expiresAt: 200 })),
      create(sampleLease('ls_stuck', { state: 'stuck', expiresAt: 50 })),
      revoke('ls_2'),
    ])
    const due = async (before: number, limit: number) =>
      (await store.dueLeases(before, limit)).map((each) => each.id)
    assert.deepEqual(await due(501, 10), ['ls_1', 'ls_3', 'ls_pending', 'ls_4', 'ls_0'])
    assert.deepEqual(await due(300, 10), ['ls_1', 'ls_3', 'ls_pending'])
    assert.deepEqual(await due(300.5, 2), ['ls_1', 'ls_3'])
  })

  check('leases are listed in the order of their ids, page by page', async ({ store }) => {
    const ids = Array.from({ length: 25 }, (_, i) => `ls_${String(i).padStart(3, '0')}`)
    await store.commit(ids.toReversed().map((id, i) => create(sampleLease(id, { target: `t${i % 2}` }))))
    await store.commit([revoke('ls_003')])
    const pages: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await store.leases({ limit: 10, ...(after === undefined ? {} : { after }) })
      pages.push(...page.map((each) => each.id))
      after = page.at(-1)?.id
      if (page.length < 10) break
    }
    assert.deepEqual(pages, ids)
    assert.equal((await store.leases({ target: 't0', limit: 100 })).length, 13)
    assert.equal((await store.leases({ states: ['active', 'pending'], limit: 100 })).length, 24)
    assert.deepEqual(
      (await store.leases({ states: ['revoked'], limit: 9 })).map((each) => each.id),
      ['ls_003'],
    )
    assert.deepEqual(await store.leases({ states: [], limit: 9 }), [])
  })
}

function memberConformance(check: Check): void {
  check(
    'leases are found by issuer, by repository, and by the policy that did not give them',
    async ({ store }) => {
      const sly = '","repository":"acme/shop","issuer":"gitlab","policy":"p1'
      const terms = (policy: string) => ({ policy, settings: 's' })
      await store.commit([
        create(sampleLease('ls_1', { repository: 'acme/shop', terms: terms('p1') })),
        create(sampleLease('ls_2', { repository: 'acme/shopping', actor: 'agent', terms: terms('p2') })),
        create(
          sampleLease('ls_3', {
            issuer: 'gitlab',
            repository: 'acme/"shop"',
            job: { issuer: 'gitlab', id: '1' },
          }),
        ),
        create(sampleLease('ls_4', { subject: sly, terms: terms('p1') })),
      ])
      const found = async (filter: object) =>
        (await store.leases({ ...filter, limit: 9 })).map(({ id }) => id)
      assert.deepEqual(await found({ repository: 'acme/shop' }), ['ls_1'])
      assert.deepEqual(await found({ repository: 'acme/"shop"' }), ['ls_3'])
      assert.deepEqual(await found({ actor: 'agent' }), ['ls_2'])
      assert.deepEqual(await found({ actor: 'acme/shop' }), [])
      assert.deepEqual(await found({ issuer: 'gitlab' }), ['ls_3'])
      assert.deepEqual(await found({ notOfPolicy: 'p1' }), ['ls_2', 'ls_3'])
      assert.deepEqual(await found({ notOfPolicy: 'p1', target: 'staging', after: 'ls_2' }), ['ls_3'])
      const lease = await store.lease('ls_1')
      assert.deepEqual([lease?.repository, lease?.terms], ['acme/shop', terms('p1')])
    },
  )
}

function switchConformance(check: Check): void {
  const target = { of: 'target', name: 'staging' } as const
  const repository = { of: 'repository', name: 'acme/shop' } as const
  const turn = (what: Switch, off: boolean) => ({ kind: 'switch', switch: what, off }) as const
  const made = (store: Store, id: string, over: Partial<Lease> = {}) =>
    outcomeOf(store.commit([create(sampleLease(id, over)), append(id)]))

  check('what is switched off gets no lease, in the same group already, until it is on', async (opened) => {
    const { store } = opened
    const [off, late] = [store.commit([turn(target, true)]), made(store, 'ls_late')]
    await off
    assert.equal(await late, 'switched_off')
    assert.equal(await outcomeOf(store.commit([turn(target, true)])), 'made')
    assert.equal(await made(store, 'ls_other', { target: 'other' }), 'made')
    await store.commit([turn(repository, true), turn({ of: 'issuer', name: 'gitlab' }, true)])
    assert.equal(await made(store, 'ls_r', { target: 'other', repository: 'acme/shop' }), 'switched_off')
    assert.equal(await made(store, 'ls_r2', { target: 'other', repository: 'acme/shop2' }), 'made')
    assert.equal(await made(store, 'ls_i', { target: 'other', issuer: 'gitlab' }), 'switched_off')
    const again = await opened.reopen()
    assert.deepEqual(await again.switches(), [{ of: 'issuer', name: 'gitlab' }, repository, target])
    assert.equal(await made(again, 'ls_2'), 'switched_off')
    await again.commit([turn(target, false), create(sampleLease('ls_same'))])
    await again.commit([turn(target, false)])
    assert.equal(await made(again, 'ls_3'), 'made')
    assert.deepEqual(await again.switches(), [{ of: 'issuer', name: 'gitlab' }, repository])
    assert.equal((await again.head()).size, 3)
  })
}

function keyConformance(check: Check): void {
  check('of two that make the next generation of a key at once, one wins', async ({ store }) => {
    const commits = Array.from({ length: 10 }, (_, i) =>
      store.commit([{ kind: 'key.create', key: sampleKey(1, { kid: `kid-${i}` }) }]),
    )
    assert.deepEqual(await tally(commits), { made: 1, key_exists: 9 })
    const other = sampleKey(1, { kid: 'other', purpose: 'log' })
    assert.equal(await outcomeOf(store.commit([{ kind: 'key.create', key: other }])), 'made')
    const sameKid = sampleKey(2, { kid: 'other' })
    assert.equal(await outcomeOf(store.commit([{ kind: 'key.create', key: sameKid }])), 'key_exists')
  })

  check('keys come by generation, and retiring sets their ends', async ({ store }) => {
    for (const generation of [2, 1, 10])
      await store.commit([{ kind: 'key.create', key: sampleKey(generation) }])
    await store.commit([{ kind: 'key.retire', kid: 'key-2', signsUntil: 300, publishedUntil: 400 }])
    await store.commit([{ kind: 'key.retire', kid: 'unknown', signsUntil: 300, publishedUntil: 400 }])
    const keys = await store.keys('token')
    assert.deepEqual(
      keys.map((key) => [key.generation, key.signsUntil, key.publishedUntil]),
      [
        [1, undefined, undefined],
        [2, 300, 400],
        [10, undefined, undefined],
      ],
    )
  })
}

function pruneConformance(check: Check): void {
  check('prune forgets what is past, keeps what is not, and never a live lease', async ({ store }) => {
    const job = { issuer: 'github', id: '7' }
    await store.commit([spend('old', 100), spend('new', 200), create(sampleLease('ls_job', { job }))])
    await store.commit([{ kind: 'job.end', job, until: 100 }, create(sampleLease('ls_live'))])
    await store.commit([create(sampleLease('ls_old')), create(sampleLease('ls_young')), append('kept')])
    await store.commit([
      {
        kind: 'lease.move',
        id: 'ls_old',
        from: ['active'],
        to: 'expired',
        endedAt: 1_000,
        endedBy: 'expired',
      },
      {
        kind: 'lease.move',
        id: 'ls_young',
        from: ['active'],
        to: 'revoked',
        endedAt: 1_001,
        endedBy: 'caller',
      },
    ])
    assert.equal(await store.prune(100, 1_000, 100), 0)
    assert.equal(await outcomeOf(store.commit([create(sampleLease('ls_x', { job }))])), 'job_ended')
    assert.equal(await store.prune(101, 1_001, 100), 3)
    assert.equal(await outcomeOf(store.commit([spend('old')])), 'made')
    assert.equal(await outcomeOf(store.commit([spend('new')])), 'spent')
    assert.equal(await outcomeOf(store.commit([create(sampleLease('ls_y', { job }))])), 'made')
    const left = (await store.leases({ limit: 10 })).map((each) => each.id)
    assert.deepEqual(left, ['ls_job', 'ls_live', 'ls_y', 'ls_young'])
    assert.equal((await store.head()).size, 1)
  })

  check('prune forgets at most as much as it is told', async ({ store }) => {
    await store.commit(Array.from({ length: 25 }, (_, i) => spend(`token ${i}`, 10)))
    const rounds = [await store.prune(11, 0, 10), await store.prune(11, 0, 10), await store.prune(11, 0, 10)]
    assert.deepEqual(rounds, [10, 10, 5])
  })
}
