import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fakeTools } from '../../../../../../test/fakes/clock.ts'
import { sshConnectionOf, sshFiles, sshGrant } from '../../../../../../test/fakes/ssh-grant.ts'
import { makeKey, run, sshFolder, startSshd } from '../../../../../../test/fakes/sshd.ts'
import { Secret } from '../../../base/secret.ts'
import type { Grant, Lease } from '../../../domain.ts'
import { openSqliteStore } from '../../../store/sqlite.ts'
import { openHandleSeal } from '../../handle.ts'
import { openSeal } from '../../seal.ts'
import { openSshRevocations, type ServedList } from './revocations.ts'
import type { SshConnection } from './settings.ts'
import { openSshTarget } from './ssh.ts'

const folder = sshFolder()
after(() => rmSync(folder, { recursive: true, force: true }))
const [first, second] = [await makeKey(folder, '-t', 'ed25519'), await makeKey(folder, '-t', 'ed25519')]
const usual = { production: sshConnectionOf(first), staging: sshConnectionOf(second) }

interface Made {
  readonly lease: Lease
  readonly privateKey: string
  readonly certificate: string
}

/** A broker's part: its store, its target and its lists, at a time that the test moves. */
async function opened(startMs = 1_790_000_000_000) {
  const tools = fakeTools(startMs)
  const path = join(mkdtempSync(join(folder, 'store-')), 'mayfly.db')
  const store = await openSqliteStore({ path })
  const handles = openHandleSeal(openSeal(new Secret(randomBytes(32).toString('hex')), tools))
  const now = () => Math.floor(tools.now() / 1000)
  const lists = (connections: Readonly<Record<string, SshConnection>> = usual) =>
    openSshRevocations({ connections, store, openHandle: (lease) => handles.open(lease), tools })
  async function make(over: Partial<Grant> = {}, broken = false): Promise<Made> {
    const grant = sshGrant(over, now())
    const target = openSshTarget({ connections: usual, tools })
    const handle = target.prepare(grant)
    const lease: Lease = {
      id: grant.leaseId,
      state: 'active',
      target: grant.target,
      kind: grant.kind,
      issuer: 'github',
      subject: 'job',
      grants: [],
      scopes: [],
      createdAt: grant.issuedAt,
      expiresAt: grant.expiresAt,
      handle: broken ? randomBytes(80) : handles.seal(grant.leaseId, handle),
    }
    await store.commit([{ kind: 'lease.create', lease, jobLimit: 1 }])
    return { lease, ...sshFiles(await target.issue(grant, handle)) }
  }
  const end = (lease: Lease, to: 'revoked' | 'expired' | 'stuck' = 'revoked') =>
    store.commit([{ kind: 'lease.move', id: lease.id, from: ['active'], to, endedAt: now() }])
  return { tools, store, lists, make, end, [Symbol.asyncDispose]: () => store.close() }
}

/** Which of these certificates the list of an authority names. */
async function namedIn(list: ServedList | undefined, made: readonly Made[]): Promise<readonly boolean[]> {
  const at = mkdtempSync(join(folder, 'list-'))
  writeFileSync(join(at, 'krl'), list?.bytes ?? 'no list')
  const files = made.map(({ certificate }, i) => {
    writeFileSync(join(at, `${i}-cert.pub`), certificate)
    return join(at, `${i}-cert.pub`)
  })
  const ran = await run('/usr/bin/ssh-keygen', ['-Q', '-f', join(at, 'krl'), ...files])
  assert.equal(ran.errors, '')
  return ran.output
    .trim()
    .split('\n')
    .map((line) => line.endsWith(': REVOKED'))
}

const staging = { settings: { authority: 'staging', principals: ['deploy'] } }

test('what ended early is listed for its authority; what lives, and what is over, is not', async () => {
  await using broker = await opened()
  const [alive, ended, over, stuck, elsewhere] = [
    await broker.make(),
    await broker.make(),
    await broker.make(),
    await broker.make(),
    await broker.make(staging),
  ]
  await broker.end(ended.lease)
  await broker.end(over.lease, 'expired')
  await broker.end(stuck.lease, 'stuck')
  await broker.end(elsewhere.lease)
  const lists = broker.lists()
  assert.deepEqual(lists.authorities, ['production', 'staging'])
  const all = [alive, ended, over, stuck, elsewhere]
  assert.deepEqual(await namedIn(await lists.list('production'), all), [false, true, false, true, false])
  assert.deepEqual(await namedIn(await lists.list('staging'), all), [false, false, false, false, true])
  for (const name of ['', 'other', '__proto__']) assert.equal(await lists.list(name), undefined)
})

test('a certificate stays listed until an hour after its end, and then leaves', async () => {
  await using broker = await opened()
  const made = await broker.make({ expiresAt: 1_790_000_000 + 86_400 })
  await broker.end(made.lease)
  const lists = broker.lists()
  broker.tools.advance((86_400 + 3_590) * 1000)
  assert.deepEqual(await namedIn(await lists.list('production'), [made]), [true])
  broker.tools.advance(10_000)
  assert.deepEqual(await namedIn(await lists.list('production'), [made]), [false])
})

test('revocations of many pages are all there', async () => {
  await using broker = await opened()
  const made: Made[] = []
  for (let i = 0; i < 1_003; i++) made.push(await broker.make())
  for (const { lease } of made) await broker.end(lease)
  const named = await namedIn(await broker.lists().list('production'), made)
  assert.equal(named.filter(Boolean).length, made.length)
})

test('after the key or the name of an authority changed, its old certificates are still listed', async () => {
  await using broker = await opened()
  const made = await broker.make()
  await broker.end(made.lease)
  const rotated = broker.lists({ production: sshConnectionOf(second) })
  assert.deepEqual(await namedIn(await rotated.list('production'), [made]), [true])
  const renamed = broker.lists({ live: sshConnectionOf(first) })
  assert.deepEqual(await namedIn(await renamed.list('live'), [made]), [true])
})

test('a lease whose handle cannot be read is listed for every authority', async () => {
  await using broker = await opened()
  const made = await broker.make({}, true)
  await broker.end(made.lease)
  for (const name of ['production', 'staging'])
    assert.deepEqual(await namedIn(await broker.lists().list(name), [made]), [true])
})

test('the store is asked once for many who ask within five seconds, and a new end is there after them', async () => {
  await using broker = await opened()
  let asked = 0
  const { store } = broker
  const lists = openSshRevocations({
    connections: usual,
    store: {
      leases: (filter) => {
        asked++
        return store.leases(filter)
      },
    },
    openHandle: () => null,
    tools: broker.tools,
  })
  const made = await broker.make()
  const [before] = await Promise.all(Array.from({ length: 50 }, () => lists.list('production')))
  await broker.end(made.lease)
  broker.tools.advance(4_999)
  assert.equal((await lists.list('staging')) === undefined, false)
  assert.equal((await lists.list('production'))?.tag, before?.tag)
  assert.equal(asked, 1)
  broker.tools.advance(1)
  const after = await lists.list('production')
  assert.notEqual(after?.tag, before?.tag)
  assert.deepEqual(await namedIn(after, [made]), [true])
})

test('where the store cannot be read there is no list, and the next who asks tries again', async () => {
  await using broker = await opened()
  let broken = true
  const lists = openSshRevocations({
    connections: usual,
    store: {
      leases: async (filter) => {
        if (broken) throw new Error('away')
        return await broker.store.leases(filter)
      },
    },
    openHandle: () => null,
    tools: broker.tools,
  })
  await assert.rejects(lists.list('production'))
  broken = false
  assert.ok((await lists.list('production'))?.bytes.length)
})

test('an authority whose list is switched off has none', async () => {
  await using broker = await opened()
  const lists = broker.lists({ production: { ...sshConnectionOf(first), krl: false } })
  assert.deepEqual(lists.authorities, [])
  assert.equal(await lists.list('production'), undefined)
})

test('a host that fetched the list refuses what ended and lets in what lives', async () => {
  await using broker = await opened(Date.now())
  const sshd = await startSshd(['deploy'])
  try {
    sshd.trust(first.publicKey)
    const [one, two] = [await broker.make(), await broker.make()]
    const lists = broker.lists()
    sshd.revoked((await lists.list('production'))?.bytes ?? new Uint8Array())
    assert.equal((await sshd.login(one, 'echo in')).output, 'in\n')
    await broker.end(one.lease)
    broker.tools.advance(5_000)
    sshd.revoked((await lists.list('production'))?.bytes ?? new Uint8Array())
    const refused = await sshd.login(one, 'echo in')
    assert.match(refused.errors, /Permission denied/)
    assert.match(sshd.log(), /revoked by file/)
    assert.equal((await sshd.login(two, 'echo in')).output, 'in\n')
  } finally {
    await sshd.stop()
  }
})
