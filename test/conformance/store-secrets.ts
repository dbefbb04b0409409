import assert from 'node:assert/strict'
import type { Change, Store } from '@mayfly/broker/store/store'
import { append, type Check, outcomeOf, spend } from './store-samples.ts'

const bytes = (...values: number[]) => new Uint8Array(values)

function put(name: string, over: Partial<Extract<Change, { kind: 'secret.put' }>> = {}): Change {
  return {
    kind: 'secret.put',
    name,
    envelope: bytes(1, 0, 255),
    wrappedBy: 'master',
    replacedAt: 100,
    ...over,
  }
}
const use = (name: string, at = 500): Change => ({ kind: 'secret.use', name, at })
const remove = (name: string): Change => ({ kind: 'secret.remove', name })

/** Without prototypes and views, so that records compare by their content. */
async function kept(store: Store): Promise<unknown> {
  return (await store.secrets()).map((each) => ({ ...each, envelope: [...each.envelope] }))
}

/** What the contract says of static secrets. */
export function secretConformance(check: Check): void {
  check('a static secret is read back as it was put, and after opening again', async (opened) => {
    await opened.store.commit([put('npm'), put('licence', { envelope: bytes(7), wrappedBy: 'aws_kms k' })])
    const both = [
      { name: 'licence', envelope: [7], wrappedBy: 'aws_kms k', replacedAt: 100, uses: 0 },
      { name: 'npm', envelope: [1, 0, 255], wrappedBy: 'master', replacedAt: 100, uses: 0 },
    ]
    assert.deepEqual(await kept(opened.store), both)
    assert.deepEqual([...((await opened.store.secret('npm'))?.envelope ?? [])], [1, 0, 255])
    for (const other of ['pypi', '', 'npm\u0000', '\ud800', "' OR 1=1 --"])
      assert.equal(await opened.store.secret(other), undefined)
    assert.deepEqual(await kept(await opened.reopen()), both)
  })

  check('uses are counted over replaced values, until the secret is removed', async ({ store }) => {
    await store.commit([put('npm'), use('npm', 700)])
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.commit([append(`${i}`), use('npm', 600)])))
    await store.commit([put('npm', { envelope: bytes(2), replacedAt: 800 }), use('other')])
    const after = { name: 'npm', envelope: [2], wrappedBy: 'master', replacedAt: 800 }
    assert.deepEqual(await kept(store), [{ ...after, uses: 101, lastUsedAt: 700 }])
    await store.commit([remove('npm'), remove('npm')])
    assert.deepEqual(await kept(store), [])
    await store.commit([use('npm'), put('npm'), use('npm', 900)])
    assert.deepEqual(
      (await store.secrets()).map(({ uses, lastUsedAt }) => [uses, lastUsedAt]),
      [[1, 900]],
    )
  })

  check('uses of several secrets in one group are counted each for itself', async ({ store }) => {
    await store.commit([put('a'), put('b')])
    const names = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 'a' : 'b'))
    await Promise.all(names.map((name, i) => store.commit([use(name, i)])))
    const found = (await store.secrets()).map(({ name, uses, lastUsedAt }) => [name, uses, lastUsedAt])
    assert.deepEqual(found, [
      ['a', 100, 297],
      ['b', 200, 299],
    ])
  })

  check('an envelope is wrapped anew only while it is the one that was read', async ({ store }) => {
    const rewrap = (was: Uint8Array, envelope: Uint8Array): Change => {
      return { kind: 'secret.rewrap', name: 'npm', was, envelope, wrappedBy: 'aws_kms k' }
    }
    await store.commit([put('npm'), use('npm'), rewrap(bytes(1, 0, 255), bytes(5))])
    const rewrapped = { name: 'npm', envelope: [5], wrappedBy: 'aws_kms k', replacedAt: 100 }
    assert.deepEqual(await kept(store), [{ ...rewrapped, uses: 1, lastUsedAt: 500 }])
    await store.commit([put('npm', { envelope: bytes(6), replacedAt: 200 })])
    await store.commit([rewrap(bytes(5), bytes(9))])
    const put2 = { name: 'npm', envelope: [6], wrappedBy: 'master', replacedAt: 200 }
    assert.deepEqual(await kept(store), [{ ...put2, uses: 1, lastUsedAt: 500 }], 'the newer value stays')
  })

  check('a commit with a conflict changes no secret, and a bad name fails alone', async ({ store }) => {
    await store.commit([spend('token'), put('npm')])
    const changes = [use('npm'), remove('npm'), put('other')]
    assert.equal(await outcomeOf(store.commit([...changes, spend('token')])), 'spent')
    const [bad, good] = await Promise.allSettled([store.commit([put('a\u0000')]), store.commit([use('npm')])])
    assert.deepEqual([bad?.status, good?.status], ['rejected', 'fulfilled'])
    assert.deepEqual(
      (await store.secrets()).map(({ name, uses }) => [name, uses]),
      [['npm', 1]],
    )
  })
}
