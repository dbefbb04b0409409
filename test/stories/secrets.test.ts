/** A43: no secret, in any spelling, in anything that the broker says, logs, counts, forwards or keeps. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { ordersApi } from '../fakes/orders-api.ts'
import { startPostgres } from '../fakes/postgres.ts'
import { type Answered, accessToken, ask, exchange, introspect } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { signingKeysOf } from '../fakes/signing-keys-of.ts'
import { makeSite } from '../fakes/site.ts'
import { spellingsOf } from '../fakes/spellings.ts'
import { otherRequests, publicDocuments, type Target, tokenRequests } from './hostile-requests.ts'

/** Something that was said, and to whom or where. */
interface Heard {
  readonly where: string
  readonly text: string
}

/** An answer as others may see it: a granted token is for its caller alone. */
function heardOf(where: string, answer: Answered): Heard {
  const { access_token: _, ...rest } = answer.body
  const text = 'access_token' in answer.body ? JSON.stringify(rest) : answer.text
  return { where: `${where}, status ${answer.status}`, text: `${JSON.stringify(answer.headers)}\n${text}` }
}

/** Names of what was found, and where; never the secret. */
function leaks(secrets: ReadonlyMap<string, string>, heard: readonly Heard[]): readonly string[] {
  const found = new Set<string>()
  for (const [secret, name] of secrets) {
    const spellings = spellingsOf(secret)
    for (const { where, text } of heard) {
      if (spellings.some((spelling) => text.includes(spelling))) found.add(`${name} in ${where}`)
    }
  }
  return [...found]
}

async function start(t: TestContext, database?: string) {
  const github = await githubFor(t)
  const api = await ordersApi(t)
  const kept = database === undefined ? {} : { database }
  const site = await makeSite(t, { issuers: { github: github.issuer }, upstream: api.url, ...kept })
  const broker = await runBroker(t, site.config, 'debug')
  const secrets = new Map<string, string>(Object.entries(site.secrets).map(([name, value]) => [value, name]))
  const subject = (claims: Readonly<Record<string, unknown>> = pushJob('production')) => {
    const token = github.idToken({ aud: site.url, ...claims })
    secrets.set(token, 'a subject token')
    return token
  }
  const access = accessToken(await exchange(broker.url, subject()))
  secrets.set(access, 'an access token')
  const proxy = broker.routes.find(({ name }) => name === 'orders')?.url ?? ''
  const target: Target = { github, site, url: broker.url, proxy, access, subject }
  return { api, site, broker, secrets, target }
}

test('a secret is found in whatever spelling it leaks', () => {
  const secret = 'eyJhbGciOiJFUzI1NiJ9'.padEnd(60, 'k3X')
  const hidden = [
    secret,
    Buffer.from(secret).toString('hex'),
    Buffer.from(`user:${secret}`).toString('base64'),
    Buffer.from(`{"a":"${secret}"}`).toString('base64url'),
    Buffer.from(secret, 'base64').toString('hex').toUpperCase(),
  ]
  for (const text of hidden) {
    assert.deepEqual(leaks(new Map([[secret, 'it']]), [{ where: 'here', text: `- ${text} -` }]), [
      'it in here',
    ])
  }
  assert.deepEqual(leaks(new Map([[secret, 'it']]), [{ where: 'here', text: 'nothing' }]), [])
})

test('A43: no secret appears in any log line, answer, entry, metric, upstream request or file', async (t) => {
  const { api, site, broker, secrets, target } = await start(t)
  const asked = [...tokenRequests(target), ...otherRequests(target), ...publicDocuments(broker.url)]
  const answers = await Promise.all(asked)
  assert.ok(answers.filter(({ status }) => status >= 400).length > 40)
  const metrics = await ask(`${broker.url}/metrics`)
  for (const answer of answers) {
    if (typeof answer.body['access_token'] === 'string') secrets.set(answer.body['access_token'], 'a token')
  }
  const reader = { authorization: `Bearer ${site.secrets['audit-reader']}` }
  const entries = await ask(`${broker.url}/audit/entries?limit=1000`, { headers: reader })
  const log = await exportedLog(site.config)
  for (const key of await signingKeysOf(site.config)) secrets.set(key, 'a private key')
  await broker.close()
  const heard = [
    ...answers.map((answer, i) => heardOf(`answer ${i}`, answer)),
    heardOf('metrics', metrics),
    heardOf('entries', entries),
    { where: 'the exported log', text: log.text },
    { where: 'the structured log', text: broker.lines.join('') },
    { where: 'requests to the API', text: api.headers.join('\n') },
    ...globSync(join(site.folder, 'mayfly.db*')).map((path) => ({
      where: 'the store',
      text: readFileSync(path, 'latin1'),
    })),
  ]
  assert.ok(log.entries.length > 30 && api.headers.length > 0)
  assert.ok(entries.text.includes('credential.refused') && metrics.text.includes('mayfly_'))
  assert.ok(heard.some(({ where }) => where === 'the store'))
  assert.deepEqual(leaks(secrets, heard), [])
})

test('A43: nor when the database is away, whose password is in its address', async (t) => {
  const postgres = await startPostgres()
  t.after(() => postgres.stop())
  const database = await postgres.createDatabase()
  const { site, broker, secrets, target } = await start(t, database)
  secrets.set(new URL(database).password, 'the password of the database')
  await postgres.kill()
  const asked = [
    exchange(broker.url, target.subject()),
    introspect(broker.url, target.access, { name: 'orders', secret: site.secrets.orders }),
    ask(`${target.proxy}/orders`, { headers: { authorization: `Bearer ${target.access}` } }),
    ask(`${broker.url}/readyz`),
    ask(`${broker.url}/audit/checkpoint`),
  ]
  const answers = await Promise.all(asked)
  await postgres.start()
  await broker.close()
  assert.ok(answers.filter(({ status }) => status >= 500).length >= 4)
  const log = broker.lines.join('')
  assert.match(log, /level":"(warn|error)/)
  const heard = answers.map((answer, i) => heardOf(`answer ${i}`, answer))
  assert.deepEqual(leaks(secrets, [...heard, { where: 'the structured log', text: log }]), [])
})
