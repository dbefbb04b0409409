import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { job, openWorld } from '../test/leases.ts'
import { Failure } from './base/failure.ts'
import { newId } from './base/id.ts'
import { Secret } from './base/secret.ts'
import { parseStrictObject } from './base/strict-json.ts'
import type { Principal } from './domain.ts'
import { openHandleSeal } from './issue/handle.ts'
import { openSeal } from './issue/seal.ts'
import { sessionLease } from './issue/session-lease.ts'
import { openRevoke } from './revoke/revoke.ts'
import { openSessions } from './sessions.ts'

async function start(mayHaveAny: (principal: Principal) => boolean = () => true) {
  const world = await openWorld()
  const { store, tools, record } = world
  const handles = openHandleSeal(openSeal(new Secret(randomBytes(32).toString('base64')), tools))
  const openHandle = () => null
  const revoke = openRevoke({ store, target: () => sessionLease, openHandle, record, tools })
  const principal: Principal = {
    ...{ issuer: 'github', iss: 'https://issuer.example', subject: 's', job, repository: 'acme/shop' },
    claims: parseStrictObject('{"repository":"acme/shop","nested":{"list":[1,true]}}'),
    ...{ replayKey: 'k', replayUntil: 1_790_001_000 },
  }
  const sessions = openSessions({
    ...{ store, handles, revoke, tools, mayHaveAny, seconds: 900, jobLimit: 2 },
    verify: async () => ({ ...principal, replayKey: newId('rk', tools) }),
    record: (event) => ({ id: 'au', change: record(event) }),
    refuse: async (event) => {
      await store.commit([record(event)])
      return 'au_refused'
    },
  })
  const open = () => sessions.open({ subjectToken: new Secret('t'), via: 'vault', role: 'ci' })
  return { ...world, sessions, open, principal }
}

const rejected = (reason: RegExp) => (thrown: unknown) =>
  thrown instanceof Failure && thrown.code === 'client_rejected' && reason.test(thrown.reason)

test('whoever holds the token is the one who opened it, to the last claim', async () => {
  const { sessions, open, principal } = await start()
  const { token, lease } = await open()
  const holder = await sessions.holder(token.reveal())
  assert.equal(holder.lease, lease.id)
  assert.deepEqual({ ...holder.principal, replayKey: 'k' }, principal)
  assert.equal(Object.getPrototypeOf(holder.principal.claims), null)
})

test('a session ends at its time, also where nobody has swept yet', async () => {
  const { sessions, open, state, tools } = await start()
  const { token, lease } = await open()
  tools.advance(899_000)
  await sessions.holder(token.reveal())
  tools.advance(1_000)
  assert.equal(await state(lease), 'active')
  await assert.rejects(sessions.holder(token.reveal()), rejected(/past its end/))
})

test('what is no token of a session that lives opens nothing', async () => {
  const { sessions, open, lease } = await start()
  const [one, other] = [await open(), await open()]
  const text = one.token.reveal()
  const [, , secret = ''] = other.token.reveal().split('.')
  const plain = await lease()
  for (const wrong of [
    ...['', 'mvs.', text.slice(0, -1), `${text}A`, `x${text}`, `mvs.${one.lease.id}.${secret}`],
    ...[`mvs.${newId('ls', { now: () => 0, randomBytes: () => new Uint8Array(16) })}.${secret}`],
    `mvs.${plain.id}.${secret}`,
  ])
    await assert.rejects(sessions.find(wrong), rejected(/./), wrong)
  await sessions.end(text)
  await assert.rejects(sessions.find(text), rejected(/revoked \(caller\)/))
  await sessions.find(other.token.reveal())
})

test('sessions count for their job, and who would get nothing has none: both are in the log', async () => {
  const { open, events } = await start()
  await open()
  await open()
  await assert.rejects(open(), { code: 'target_refused', entry: 'au_refused' })
  const nothing = await start(() => false)
  await assert.rejects(nothing.open(), { code: 'target_refused', entry: 'au_refused' })
  const types = [...(await events()), ...(await nothing.events())].map(({ type }) => type)
  assert.deepEqual(types, ['session.opened', 'session.opened', 'credential.refused', 'credential.refused'])
})
