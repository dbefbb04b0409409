/** Somebody acts with the rights of another (RFC 8693): both show a token, both are asked for, and both can end it. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { openOfficeFromFile } from '../../packages/broker/src/main.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { startIssuer } from '../fakes/issuer.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { accessToken, call, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { newSigningKey, signToken } from '../fakes/signing-key.ts'
import { makeSite } from '../fakes/site.ts'

const policy = (agents: string, more = '') => `version: 1
issuers:
  github: { owners: [acme] }
  people: { kind: oidc, claims: [email] }
targets:
  orders-api:
    tier: staging
    token: { audience: "https://orders.acme.example", scopes: { read: { access: read, requests: ["GET /**"] }, change: { access: write, requests: ["POST /**"] } } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
grants:
  - { name: people use orders, issuer: people, who: { email: { like: "*@acme.example" } }, get: { target: orders-api, scopes: [read, change] }, for: 10m }
  - { name: agents look, issuer: github, who: { repo: acme/shop, branch: main, environment: staging }, get: { target: orders-api, scopes: [${agents}] }, for: 5m }
  - { name: agents stage, issuer: github, who: { repo: acme/shop, branch: main, environment: staging }, get: orders-api-staging, for: 5m }
${more}`

async function start(t: TestContext, text = policy('read')) {
  const seen: Record<string, unknown>[] = []
  const upstream = await onLoopback(t, (request, response) => {
    seen.push({ ...request.headers })
    response.end('ok')
  })
  const key = newSigningKey('one', 'RS256')
  const provider = await startIssuer([key])
  atEnd(t, () => provider[Symbol.asyncDispose]())
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy: text, upstream })
  const people = `  people: { preset: oidc, issuer: "${provider.url}", dangerously_allow_http: true }\n`
  writeFileSync(site.config, readFileSync(site.config, 'utf8').replace('issuers:\n', `issuers:\n${people}`))
  const broker = await runBroker(t, site.config)
  const job = github.job(pushJob('staging'))
  let turn = 0
  const person = (claims: object = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const usual = {
      iss: provider.url,
      aud: site.url,
      sub: 'Ada-1815',
      email: 'ada@acme.example',
      sid: 'evening',
    }
    return signToken(key, { ...usual, iat: now, exp: now + 300, jti: `person-${turn++}`, ...claims })
  }
  const acting = (subject: string, actor: string, more: Readonly<Record<string, string>> = {}) =>
    exchange(broker.url, subject, {
      actor_token: actor,
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      ...more,
    })
  const agent = () => github.idTokenOf(job, site.url)
  const orders = broker.routes.find(({ name }) => name === 'orders')?.url ?? ''
  return { seen, site, broker, github, job, person, agent, acting, orders }
}

const payload = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

test('an agent that acts for a person gets what both of them have, and everybody sees who acts', async (t) => {
  const { seen, site, broker, person, agent, acting, orders } = await start(t)
  const answer = await acting(person(), agent())
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.body['scope'], 'read', 'the person may change too, the agent may not')
  assert.ok(Number(answer.body['expires_in']) <= 300, 'as long as the shorter of the two')
  assert.deepEqual(answer.body['grants'], ['agents look', 'people use orders'])
  const token = accessToken(answer)
  const { sub, act, client_id: client } = payload(token)
  assert.match(String(sub), /^people:sub:/)
  const worker = 'github:repository_id:40211:environment:staging'
  const starter = (act as { act: { sub: string } }).act.sub
  assert.match(starter, /^github:actor_id:\d+$/)
  assert.deepEqual([act, client], [{ sub: worker, act: { sub: starter } }, worker])
  assert.equal((await call(orders, token)).status, 200)
  assert.deepEqual([seen[0]?.['x-mayfly-subject'], seen[0]?.['x-mayfly-actor']], [sub, worker])
  assert.deepEqual((await introspect(broker.url, token)).body['act'], { sub: worker })
  await broker.close()
  const { entries } = await exportedLog(site.config)
  const issued = entries.find(({ type }) => type === 'credential.issued') as unknown as Record<
    string,
    unknown
  >
  const recorded = issued['act'] as Record<string, Record<string, unknown>>
  assert.deepEqual(
    [issued['issuer'], issued['subject'], recorded['issuer']],
    ['people', 'Ada-1815', 'github'],
  )
  assert.equal(recorded['claims']?.['environment'], 'staging')
})

test('nobody gets by acting what it has not itself, nor what the other has not', async (t) => {
  const { person, agent, acting, github, site, job, seen, orders } = await start(t)
  const refused = async (answer: Promise<{ status: number; text: string; body: object }>, words: RegExp) => {
    const { status, text } = await answer
    assert.equal(status, 400, text)
    assert.match(text, words)
  }
  const error = (name: string) => new RegExp(`"error":"${name}"`)
  await refused(acting(person(), agent(), { scope: 'change' }), error('invalid_scope'))
  await refused(acting(person({ email: 'eve@other.example' }), agent()), error('invalid_target'))
  // What the agent has for itself is not the person's.
  await refused(acting(person(), agent(), { audience: 'orders-api-staging' }), error('invalid_target'))
  const foreign = github.idToken({ ...pushJob('production'), aud: site.url })
  await refused(acting(person(), foreign), /the actor: /)
  // The job started by an agent is told from one by a person, without any delegation.
  const alone = await exchange(`${new URL(site.url).origin}`, github.idTokenOf(job, site.url))
  assert.match(String((payload(accessToken(alone))['act'] as { sub: string }).sub), /^github:actor_id:/)
  assert.equal((await call(orders, accessToken(alone))).status, 200)
  assert.match(String(seen.at(-1)?.['x-mayfly-actor']), /^github:actor_id:/)
})

test('two scopes that have nothing in common give nothing', async (t) => {
  const people = policy('change').replace('scopes: [read, change] }', 'scopes: [read] }')
  const { person, agent, acting } = await start(t, people)
  const { status, text } = await acting(person(), agent())
  assert.equal(status, 400)
  assert.match(text, /"error":"invalid_scope"/)
})

test('both tokens are verified, spent once, and belong to two parties', async (t) => {
  const { person, agent, acting, broker, site, github } = await start(t)
  const [subject, actor] = [person(), agent()]
  assert.equal((await acting(subject, actor)).status, 200)
  const again = async (one: string, other: string) => {
    const { status, body } = await acting(one, other)
    assert.deepEqual([status, body['error']], [400, 'invalid_request'])
  }
  await again(subject, agent())
  await again(person(), actor)
  await again(person(), 'nonsense')
  await again(person(), person({ aud: 'https://elsewhere.example' }))
  const both = github.idToken({ ...pushJob('staging'), aud: site.url })
  await again(both, both)
  // What failed spent nothing that it should not have: a good one still works.
  assert.equal((await acting(person(), agent())).status, 200)
  for (const more of [
    { actor_token: agent() },
    { actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
    { actor_token: agent(), actor_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
  ]) {
    const { status, body } = await exchange(broker.url, person(), more as Record<string, string>)
    assert.deepEqual([status, body['error']], [400, 'invalid_request'], JSON.stringify(more))
  }
})

test('a token that says who may act for its subject lets nobody else (RFC 8693 4.4)', async (t) => {
  const { person, agent, acting, github } = await start(t)
  const other = await acting(person({ may_act: { sub: 'somebody' } }), agent())
  assert.deepEqual([other.status, other.body['error']], [400, 'invalid_request'])
  assert.equal((await acting(person({ may_act: {} }), agent())).status, 400)
  const named = { iss: github.issuer, environment: 'staging' }
  assert.equal((await acting(person({ may_act: named }), agent())).status, 200)
})

test('whatever ends either of the two ends what was made for both', async (t) => {
  const { person, agent, acting, site, orders, github, job, broker } = await start(t)
  const made = async () => {
    const token = accessToken(await acting(person(), agent()))
    assert.equal((await call(orders, token)).status, 200)
    return token
  }
  const office = await openOfficeFromFile({ path: site.config, env: {}, writeLog: () => undefined })
  atEnd(t, () => office.close())
  const isOver = async (token: string, why: string) =>
    assert.equal((await call(orders, token)).status, 401, why)
  const actor = String(payload(agent())['actor']).toLowerCase()
  for (const what of [
    { of: 'actor', name: 'ada-1815' },
    { of: 'actor', name: actor },
    { of: 'repository', name: 'acme/shop' },
    { of: 'issuer', name: 'github' },
    { of: 'issuer', name: 'people' },
  ] as const) {
    const token = await made()
    await office.switchOff(what)
    await isOver(token, `${what.of} ${what.name}`)
    assert.equal((await acting(person(), agent())).status, 400, 'and nothing new begins')
    await office.switchOn(what)
  }
  const evening = await made()
  await office.endJob({ issuer: 'people', id: 'evening' })
  await isOver(evening, 'the person signed out')
  const morning = accessToken(await acting(person({ sid: 'morning' }), agent()))
  assert.equal((await call(orders, morning)).status, 200)
  const hook = `${broker.url}/webhooks/github`
  assert.ok((await github.completeJob(job, hook, site.secrets['webhook-secret'])).ok)
  await isOver(morning, 'the job of the agent ended')
})

test('a policy that gives it to one of them no more ends it', async (t) => {
  const { person, agent, acting, site, orders, broker } = await start(t)
  const token = accessToken(await acting(person(), agent()))
  assert.equal((await call(orders, token)).status, 200)
  const path = `${site.folder}/policies/site.policy.yaml`
  appendFileSync(path, 'deny:\n  - { name: no more agents, issuer: github, who: { event: push } }\n')
  await broker.reloadPolicy()
  for (let turn = 0; turn < 200 && (await call(orders, token)).status === 200; turn++)
    await new Promise((resolve) => setTimeout(resolve, 25))
  assert.equal((await call(orders, token)).status, 401)
})
