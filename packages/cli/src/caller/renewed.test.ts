import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credential } from '@mayfly/client/exchange'
import { openRenewed } from './renewed.ts'

function world(minutes: number) {
  let [now, asked] = [1_000_000, 0]
  let away = false
  const given: string[] = []
  const make = (): Credential => ({
    ...{ accessToken: `t${++asked}`, issuedTokenType: '', tokenType: '', expiresIn: minutes * 60 },
    ...{
      expiresAt: now + minutes * 60,
      scope: undefined,
      leaseId: `ls_${asked}`,
      leaseToken: '',
      parts: undefined,
    },
  })
  const renewed = openRenewed({
    first: make(),
    again: async () => {
      if (away) throw new Error('away')
      return make()
    },
    giveBack: async ({ leaseId }) => void given.push(leaseId),
    now: () => now,
  })
  return {
    renewed,
    given,
    asked: () => asked,
    pass(seconds: number) {
      now += seconds
    },
    break(is: boolean) {
      away = is
    },
    good: async () => ((await renewed.current()).expiresAt ?? 0) > now,
  }
}

test('a job of two hours goes on with credentials of ten minutes, each given back but the last', async () => {
  const { renewed, given, asked, pass, good } = world(10)
  for (let minute = 0; minute < 120; minute++) {
    assert.ok(await good(), `minute ${minute}`)
    pass(60)
  }
  assert.ok(asked() >= 20 && asked() <= 26, `${asked()} exchanges`)
  assert.equal(given.length, asked() - 1)
  assert.equal((await renewed.end()).leaseId, `ls_${asked()}`)
})

test('many who ask at once get one exchange', async () => {
  const { renewed, asked, pass } = world(10)
  pass(9 * 60)
  const all = await Promise.all(Array.from({ length: 20 }, () => renewed.current()))
  assert.deepEqual([new Set(all.map(({ leaseId }) => leaseId)).size, asked()], [1, 2])
})

test('while the broker is away what still works is used, and what has ended is not', async () => {
  const { renewed, pass, break: cut, good } = world(10)
  cut(true)
  pass(9 * 60)
  assert.ok(await good())
  pass(60)
  await assert.rejects(renewed.current(), /away/)
  cut(false)
  assert.ok(await good())
})
