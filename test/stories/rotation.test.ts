/** A new signing key, from the word of an operator to the end of the old one: no valid token is ever refused. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { Client } from 'pg'
import { openOffice } from '../../packages/broker/src/office.ts'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { type FakeTools, fakeTools } from '../fakes/clock.ts'
import { githubFor } from '../fakes/github.ts'
import { ordersApi } from '../fakes/orders-api.ts'
import { passingTime } from '../fakes/passing-time.ts'
import { database } from '../fakes/postgres-for.ts'
import { accessToken, ask, call, exchange, introspect } from '../fakes/requests.ts'
import { loadSite, runBrokerWith } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

interface Issued {
  readonly token: string
  readonly kid: string
  readonly expiresAt: number
}

/** A third party that keeps the JWK Set as long as it may and never asks in between, whatever it meets. */
class CachingVerifier {
  readonly #tools: FakeTools
  readonly #urls: readonly string[]
  #fetches: number
  #until = 0
  #keys = createLocalJWKSet({ keys: [] })

  constructor(tools: FakeTools, urls: readonly string[], first: number) {
    this.#tools = tools
    this.#urls = urls
    this.#fetches = first
  }

  async verify(token: string): Promise<void> {
    if (this.#tools.now() >= this.#until) await this.#fetch()
    await jwtVerify(token, this.#keys, { currentDate: new Date(this.#tools.now()) })
  }

  /** From one broker after the other. */
  async #fetch(): Promise<void> {
    const url = this.#urls[this.#fetches++ % this.#urls.length]
    const { text, headers } = await ask(`${url}/.well-known/jwks.json`)
    const age = Number(/max-age=([0-9]+)/.exec(String(headers['cache-control']))?.[1])
    assert.ok(age >= 60)
    this.#until = this.#tools.now() + age * 1000
    this.#keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
  }
}

/** A database of the story's own, whose clock `setClock` sets: brokers refuse one that is far from theirs. */
async function databaseWithClock() {
  const url = await database()
  const run = async (sql: string) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  const setClock = (ms: number) =>
    run(`CREATE OR REPLACE FUNCTION story.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
      $$ SELECT to_timestamp(${ms / 1000}) $$`)
  await run(`CREATE SCHEMA story; DO $$ BEGIN EXECUTE format(
    'ALTER DATABASE %I SET search_path = story, pg_catalog, public', current_database()); END $$`)
  return { url, setClock }
}

async function start(t: TestContext) {
  const tools = fakeTools()
  const github = await githubFor(t, { now: tools.now })
  const api = await ordersApi(t)
  const { url: databaseUrl, setClock } = await databaseWithClock()
  await setClock(tools.now())
  const site = await makeSite(t, {
    issuers: { github: github.issuer },
    database: databaseUrl,
    upstream: api.url,
  })
  const brokers = [await runBrokerWith(t, site.config, tools), await runBrokerWith(t, site.replica, tools)]
  const urls = brokers.map(({ url }) => url)
  const proxies = brokers.map(({ routes }) => routes.find(({ name }) => name === 'orders')?.url ?? '')
  const issue = async (url: string): Promise<Issued> => {
    const token = accessToken(
      await exchange(url, github.idToken({ ...pushJob('production'), aud: site.url })),
    )
    const { exp = 0 } = decodeJwt(token)
    return { token, kid: decodeProtectedHeader(token).kid ?? '', expiresAt: exp }
  }
  return { tools, site, urls, proxies, issue, setClock, pass: passingTime(tools) }
}

type Started = Awaited<ReturnType<typeof start>>

/** The oldest, the newest and some in between; on each broker, at each proxy and with each third party. */
async function checkAll(started: Started, live: readonly Issued[], parties: readonly CachingVerifier[]) {
  const { urls, proxies } = started
  const chosen = live.filter((_, i) => i < 3 || i >= live.length - 4 || i % 17 === 0)
  await Promise.all(
    chosen.map(async ({ token }) => {
      for (const url of urls) assert.equal((await introspect(url, token)).body['active'], true)
      for (const url of proxies) assert.equal((await call(url, token)).status, 200)
    }),
  )
  for (const party of parties) for (const { token } of live) await party.verify(token)
}

/** Ten seconds at a time until `until`: both brokers issue, and everything that lives is checked everywhere. */
async function live(
  started: Started,
  known: Issued[],
  parties: readonly CachingVerifier[],
  until: () => boolean,
) {
  for (let step = 0; !until(); step++) {
    assert.ok(step < 300, 'it never came to an end')
    await started.pass(10_000)
    known.push(...(await Promise.all(started.urls.map((url) => started.issue(url)))))
    const now = started.tools.now() / 1000
    const alive = known.filter(({ expiresAt }) => expiresAt > now)
    known.splice(0, known.length, ...alive)
    await checkAll(started, alive, parties)
  }
}

async function rotate({ tools, site, setClock }: Started) {
  await setClock(tools.now())
  const { config, sources } = await loadSite(site.config)
  const office = await openOffice(config, sources, tools)
  const next = await office.rotate()
  await office.close()
  return next
}

async function publishedKids(url: string): Promise<readonly string[]> {
  const { body } = await ask(`${url}/.well-known/jwks.json`)
  return (body['keys'] as { kid: string }[]).map(({ kid }) => kid)
}

test('while a key is rotated under load, every valid token passes on every broker and at every third party', async (t) => {
  const started = await start(t)
  const { tools, urls } = started
  const seconds = () => tools.now() / 1000
  const parties = [0, 1, 2].map((first) => new CachingVerifier(tools, urls, first))
  const known: Issued[] = [await started.issue(urls[0] ?? '')]
  const old = known[0]?.kid ?? ''
  // Their caches are of three ages: 0, 100 and 200 seconds.
  for (const [i, party] of parties.entries()) {
    await live(started, known, parties.slice(0, i), () => seconds() >= 1_790_000_000 + i * 100)
    await party.verify(known.at(-1)?.token ?? '')
  }

  const next = await rotate(started)
  assert.ok(next.signsFrom - seconds() >= 300, 'published for as long as readers may keep the old set')
  await live(started, known, parties, () => seconds() >= next.signsFrom)
  for (const url of urls) assert.deepEqual([...(await publishedKids(url))].sort(), [old, next.kid].sort())

  await live(started, known, parties, () => known.every(({ kid }) => kid === next.kid))
  const newest = await Promise.all(urls.map((url) => started.issue(url)))
  assert.deepEqual(
    newest.map(({ kid }) => kid),
    [next.kid, next.kid],
  )
  for (let step = 0; (await publishedKids(urls[0] ?? '')).includes(old); step++) {
    assert.ok(step < 1_000, 'the old key never goes')
    await started.pass(10_000)
  }
  for (const url of urls) assert.deepEqual(await publishedKids(url), [next.kid])
})
