/** Why was this decided: in full for whoever may read the log, and what concerns itself for whoever asked. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { mayfly } from '../fakes/mayfly.ts'
import { ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite, type Site } from '../fakes/site.ts'

async function world(t: TestContext) {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer } })
  const broker = await runBroker(t, site.config)
  const token = (environment: string, more: object = {}) =>
    github.idToken({ ...pushJob(environment), aud: site.url, ...more })
  return { site, broker, token }
}

const explain = (site: Site, ...words: string[]) =>
  mayfly('policy', 'explain', '--config', site.config, ...words)

function changePolicy(site: Site): void {
  const file = join(site.folder, 'policies/startup.policy.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text
      .replace('environment: production, runner', 'environment: live, runner')
      .replace(/^tests:[\s\S]*$/m, ''),
  )
}

test('a lease is explained by the decision that gave it, and by the policy of today', async (t) => {
  const { site, broker, token } = await world(t)
  const { body } = await exchange(broker.url, token('production'), { scope: 'orders:read' })
  const lease = String(body['lease_id'])
  const then = await explain(site, '--lease', lease)
  assert.equal(then.code, 0, then.err)
  assert.match(then.out, /then: granted by shop-production for 600 s; scopes: orders:read\n/)
  assert.match(then.out, /policy: [0-9a-f]{64}, the same then and now\n/)
  assert.match(then.out, /now: {2}yes, by shop-production, for 600 s; scopes: orders:read\n/)
  changePolicy(site)
  const now = await explain(site, '--lease', lease)
  assert.equal(now.code, 1, now.err)
  assert.match(now.out, /policy: [0-9a-f]{64} now, [0-9a-f]{64} then: they differ\n/)
  assert.match(now.out, /now: {2}no \(no_grant\)\. shop-production: environment is production, needs live\n/)
  assert.match(now.out, /^ {2}environment: production$/m)
})

test('a refusal is explained by its error_id, and so is one that no policy made', async (t) => {
  const { site, broker, token } = await world(t)
  const refused = await exchange(broker.url, token('staging'))
  const told = await explain(site, '--json', '--entry', String(refused.body['error_id']))
  assert.equal(told.code, 1, told.err)
  const { recorded, same_policy, today } = JSON.parse(told.out) as {
    recorded: { target: string; refused: { decision: string } }
    same_policy: boolean
    today: { decision: { code: string } }
  }
  assert.deepEqual([recorded.target, recorded.refused.decision], ['orders-api', 'no_grant'])
  assert.deepEqual([same_policy, today.decision.code], [true, 'no_grant'])

  const byAudience = await exchange(broker.url, token('production'), {
    resource: 'https://orders.acme.example',
    scope: 'all',
  })
  const scope = await explain(site, '--entry', String(byAudience.body['error_id']))
  assert.match(scope.out, /then: refused \(scope\)/)
  assert.match(scope.out, /now: {2}no \(scope\)/)

  const nobody = await exchange(broker.url, `${token('production').slice(0, -4)}AAAA`)
  const { code, out } = await explain(site, '--entry', String(nobody.body['error_id']))
  assert.equal(code, 1)
  assert.match(out, /No policy decided/)
})

test('what is not there, or not about an exchange, is said', async (t) => {
  const { site } = await world(t)
  const { entries } = await exportedLog(site.config)
  const started = entries.find(({ type }) => type === 'broker.started')
  for (const [words, said] of [
    [['--lease', 'ls_none'], /the log has no ls_none/],
    [['--entry', String(started?.id)], /not about an exchange/],
    [['--entry', 'au_1', '--lease', 'ls_1'], /one of --lease and --entry/],
    [['--entry', 'au_1', 'orders-api'], /the log knows/],
  ] as const) {
    const { code, err } = await explain(site, ...words)
    assert.equal(code, 2)
    assert.match(err, said)
  }
})

test('whoever was refused hears nothing of what does not concern it; its entry holds no more, and is not for it', async (t) => {
  const { site, broker, token } = await world(t)
  const other = {
    repository: 'acme/other',
    repository_id: '77',
    sub: 'repo:acme/other:environment:production',
  }
  const answers = await Promise.all(
    ['orders-api', 'nothing-api'].map((audience) =>
      exchange(broker.url, token('production', other), { audience }),
    ),
  )
  const words = answers.map(({ text, body }) =>
    text.replace(String(body['error_id']), 'ID').replaceAll(/(orders|nothing)-api/g, 'TARGET'),
  )
  assert.equal(words[0], words[1])
  assert.doesNotMatch(words[0] ?? '', /shop|staging|9919|40211/)
  assert.equal((await ask(`${broker.url}/audit/entries?from=0&limit=100`)).status, 401)
  const { entries } = await exportedLog(site.config)
  const refused = entries.filter(({ type }) => type === 'credential.refused')
  assert.equal(refused.length, 2)
  for (const { reason } of refused) assert.doesNotMatch(String(reason), /shop/)
  // The administrator, who may read all of it, sees every grant of the target.
  const full = await explain(site, '--entry', String(answers[0]?.body['error_id']))
  assert.match(full.out, /shop-production: repository_id is 77/)
})

test('what an entry holds of a decision is enough to make it again', async (t) => {
  const { site, broker, token } = await world(t)
  await exchange(broker.url, token('production'), { scope: 'orders:read' })
  await exchange(broker.url, token('staging'))
  const { entries } = await exportedLog(site.config)
  for (const entry of entries.filter(({ type }) => type.startsWith('credential.'))) {
    const again = await explain(site, '--json', '--entry', entry.id)
    const { today, recorded } = JSON.parse(again.out) as {
      today: { decision: Record<string, unknown> }
      recorded: { given?: object; refused?: { decision: string }; cut: boolean }
    }
    const { allowed, grants, scopes, seconds, code } = today.decision
    assert.equal(recorded.cut, false)
    if (allowed === true) assert.deepEqual({ grants, scopes, seconds }, recorded.given)
    else assert.equal(code, recorded.refused?.decision)
  }
})
