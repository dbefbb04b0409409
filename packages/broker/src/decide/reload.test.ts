import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { checkPolicy } from './check-worker.ts'
import { readPolicyFolder } from './folder.ts'
import { openPolicy } from './policies.ts'
import { type ChangedPolicy, openReload, type RefusedPolicy, type ReloadParts } from './reload.ts'

const lock = 'owners: { acme: 9919 }\nrepos: { acme/shop: 40211 }\n'

function text(branch: string, target = 'orders-api'): string {
  return `version: 1
issuers: { github: { owners: [acme] } }
targets:
  ${target}: { tier: staging, access: write, max: 15m, token: { audience: https://orders.example, scopes: [read] } }
grants:
  - { name: shop, who: { repo: acme/shop, branch: ${branch}, environment: staging }, get: orders-api, for: 10m }
`
}

const settleMs = 1_000
const everyMs = 5_000

/** A folder with a policy that is in force, and what a reload says about it from then on. */
async function follow(t: TestContext, more: Partial<ReloadParts> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-policy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content)
  write('policy.lock.yaml', lock)
  write('a.policy.yaml', text('main'))
  const sources = await readPolicyFolder(folder)
  const changes: ChangedPolicy[] = []
  const refusals: RefusedPolicy[] = []
  const tools = fakeTools()
  let settled = 0
  const reload = openReload({
    sources,
    inForce: openPolicy(sources),
    read: () => readPolicyFolder(folder),
    check: async (next, before) => checkPolicy({ next, before }),
    misfits: () => [],
    changed: async (changed) => void changes.push(changed),
    refused: async (refused) => void refusals.push(refused),
    settled: () => void settled++,
    tools,
    everyMs,
    settleMs,
    ...more,
  })
  t.after(() => reload.close())
  /** Lets timers come due until the look is over; `during` runs before each of them. */
  const pass = async (look: Promise<void>, during: () => void = () => {}) => {
    let over = false
    const ended = look.finally(() => {
      over = true
    })
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve))
      if (tools.waiting() < 2) continue
      during()
      tools.advance(settleMs)
    }
    await ended
  }
  const look = (during?: () => void) => pass(reload.look(), during)
  return { folder, write, reload, tools, changes, refusals, look, settledTimes: () => settled }
}

const codes = (refused: RefusedPolicy | undefined) => refused?.problems.map(({ code }) => code)

test('a changed policy takes the place of the one in force, once', async (t) => {
  const { write, changes, refusals, look } = await follow(t)
  await look()
  assert.equal(changes.length, 0)
  write('a.policy.yaml', text('release'))
  await look()
  await look()
  assert.equal(changes.length, 1)
  assert.notEqual(changes[0]?.next.digest, changes[0]?.previous)
  assert.deepEqual(refusals, [])
})

test('it is found without being told', async (t) => {
  const { write, tools, changes } = await follow(t)
  write('a.policy.yaml', text('release'))
  for (let i = 0; i < 10_000 && changes.length === 0; i++) {
    tools.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(changes.length, 1)
})

test('files that are still being written are not a policy yet', async (t) => {
  const { write, changes, refusals, look } = await follow(t)
  // Alone it would be refused: its grants name a target that it lacks.
  write('a.policy.yaml', text('main', 'billing-api'))
  const steps = [
    () => write('a.policy.yaml', text('main').slice(0, 200)),
    () => write('a.policy.yaml', text('rel')),
    () => write('a.policy.yaml', text('release')),
  ]
  await look(() => steps.shift()?.())
  assert.deepEqual(refusals, [])
  assert.equal(changes.length, 1)
  const [grant] = changes[0]?.next.policy.grants ?? []
  assert.match(JSON.stringify(grant?.boxes.map((box) => [...box.values()].map((c) => c.needed))), /release/)
})

test('what is wrong is refused once, with its place, and never comes into force', async (t) => {
  const { write, tools, changes, refusals, look, settledTimes } = await follow(t)
  write('a.policy.yaml', text('"rel*"'))
  await look()
  assert.deepEqual(codes(refusals[0]), ['P003'])
  assert.match(refusals[0]?.detail ?? '', /a\.policy\.yaml:6:\d+: error P003/)
  assert.deepEqual(changes, [])
  write('a.policy.yaml', text('main'))
  await look()
  assert.equal(settledTimes(), 1)
  // By itself, since whoever asks is told again anyway.
  write('a.policy.yaml', text('"rel*"'))
  for (let i = 0; i < 10_000 && refusals.length < 2; i++) {
    tools.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(refusals.length, 2)
})

test('what was refused is not checked again until it changes, unless it is asked for', async (t) => {
  let checks = 0
  const { write, tools, refusals, look } = await follow(t, {
    check: async (next, before) => {
      checks += 1
      return checkPolicy({ next, before })
    },
  })
  write('a.policy.yaml', 'version: 1\n')
  await look()
  for (let i = 0; i < 50; i++) {
    tools.advance(everyMs)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  assert.deepEqual([checks, refusals.length], [1, 1])
  await look()
  assert.equal(checks, 2)
})

test('an empty folder, a folder that is gone and a check that fails leave the last good one', async (t) => {
  const { folder, write, changes, refusals, look } = await follow(t)
  rmSync(join(folder, 'a.policy.yaml'))
  await look()
  assert.deepEqual(codes(refusals[0]), ['P000'])
  rmSync(folder, { recursive: true })
  await look()
  assert.match(refusals[1]?.detail ?? '', /cannot be read \(ENOENT\)/)
  assert.equal(refusals[1]?.digest, undefined)
  mkdirSync(folder)
  write('policy.lock.yaml', lock)
  write('a.policy.yaml', text('release'))
  await look()
  assert.equal(changes.length, 1)

  const broken = await follow(t, {
    check: () => Promise.reject(new Error('the policy could not be checked within 120 s')),
  })
  broken.write('a.policy.yaml', text('release'))
  await broken.look()
  assert.match(broken.refusals[0]?.detail ?? '', /could not be checked/)
  assert.deepEqual(broken.changes, [])
})

test('a policy that does not fit the configuration is refused', async (t) => {
  const { write, changes, refusals, look } = await follow(t, {
    misfits: () => ['route `a` names the target `b`, which the policy does not have'],
  })
  write('a.policy.yaml', text('release'))
  await look()
  assert.match(refusals[0]?.detail ?? '', /route `a`/)
  assert.deepEqual(changes, [])
})

test('a change that could not be written down is not in force and is tried again', async (t) => {
  let broken = true
  const changes: ChangedPolicy[] = []
  const { write, look } = await follow(t, {
    changed: async (changed) => {
      if (broken) throw new Error('the store is away')
      changes.push(changed)
    },
  })
  write('a.policy.yaml', text('release'))
  await look()
  assert.deepEqual(changes, [])
  broken = false
  await look()
  assert.equal(changes.length, 1)
})

test('a folder of links that are swapped at once, as Kubernetes does it, is followed', async (t) => {
  const { folder, changes, refusals, look } = await follow(t)
  const version = (name: string, branch: string) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'policy.lock.yaml'), lock)
    writeFileSync(join(folder, name, 'a.policy.yaml'), text(branch))
    symlinkSync(name, join(folder, '..tmp'))
    renameSync(join(folder, '..tmp'), join(folder, '..data'))
  }
  rmSync(join(folder, 'a.policy.yaml'))
  rmSync(join(folder, 'policy.lock.yaml'))
  version('..1', 'main')
  symlinkSync('..data/a.policy.yaml', join(folder, 'a.policy.yaml'))
  symlinkSync('..data/policy.lock.yaml', join(folder, 'policy.lock.yaml'))
  await look()
  assert.deepEqual([changes.length, refusals.length], [0, 0])
  version('..2', 'release')
  await look()
  assert.deepEqual([changes.length, refusals.length], [1, 0])
})

test('whoever closes does not wait for a check, and what it finds counts no more', async (t) => {
  const checking = Promise.withResolvers<void>()
  const { write, tools, reload, changes, refusals } = await follow(t, {
    check: (_next, _before, signal) =>
      new Promise((_, reject) => {
        checking.resolve()
        signal.addEventListener('abort', () => reject(new Error('given up')))
      }),
  })
  write('a.policy.yaml', text('release'))
  const looking = reload.look()
  let begun = false
  void checking.promise.then(() => {
    begun = true
  })
  while (!begun) {
    await new Promise((resolve) => setImmediate(resolve))
    tools.advance(settleMs)
  }
  await reload.close()
  await looking
  assert.deepEqual([changes, refusals, tools.waiting()], [[], [], 0])
})
