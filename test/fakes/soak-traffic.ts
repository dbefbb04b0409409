/** One job after another, each of another kind: what a day brings, good callers and bad ones, orderly ends and torn ones. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import pg from 'pg'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { Browser } from './browser.ts'
import { meta, modern } from './mcp-stage.ts'
import { ask, call, exchange, introspect, revoke } from './requests.ts'
import type { SoakProvider } from './soak-provider.ts'

/** Where it goes. */
export interface Roads {
  readonly github: Github
  /** The broker. */
  readonly url: string
  readonly api: string
  readonly database: URL
  /** A server of tools behind the proxy. */
  readonly tools: string
  /** Where people come in. */
  readonly console: string
  readonly provider: SoakProvider
  readonly webhookSecret: string
}

/** How often each thing happened, such as `call 200`. */
export type Tally = Map<string, number>

type Kind = (roads: Roads, said: (what: string) => void) => Promise<void>

/** The kind of the job number `at`; nothing that goes wrong on the way ends the day. */
export async function runJob(roads: Roads, tally: Tally, at: number): Promise<void> {
  const kind = kinds[at % kinds.length] ?? calls
  const said = (what: string) => void tally.set(what, (tally.get(what) ?? 0) + 1)
  await kind(roads, said).catch(() => said('torn'))
}

async function signIn({ github, url }: Roads, audience = 'orders-api') {
  const job = github.job(pushJob('staging'))
  const answer = await exchange(url, github.idTokenOf(job, url), { audience })
  const credential = (answer.body['credential'] ?? {}) as Readonly<Record<string, string>>
  return { job, answer, token: String(credential['password'] ?? answer.body['access_token']) }
}

/** The usual: several calls, then the token is given back, and is dead. */
const calls: Kind = async (roads, said) => {
  const { token, answer } = await signIn(roads)
  said(`sign-in ${answer.status}`)
  for (let at = 0; at < 5; at++) said(`call ${(await call(roads.api, token, `/orders/${at}`)).status}`)
  const headers = { authorization: `Bearer ${token}` }
  said(
    `upload ${(await ask(`${roads.api}/orders`, { method: 'POST', headers, body: 'x'.repeat(200_000) })).status}`,
  )
  said(`chunks ${(await call(roads.api, token, '/chunks')).status}`)
  await introspect(roads.url, token)
  await revoke(roads.url, token)
  said(`after the end ${(await call(roads.api, token)).status}`)
}

/** A stream that its lease's end cuts: by the webhook of the job, or by time. */
const stream =
  (isEnded: boolean): Kind =>
  async (roads, said) => {
    const { token, job } = await signIn(roads)
    const asked = request(`${roads.api}/stream`, {
      headers: { authorization: `Bearer ${token}` },
      agent: false,
    })
    const closed = once(asked, 'close')
    asked.on('error', () => undefined)
    asked.on('response', (answer) => answer.on('error', () => undefined).resume())
    asked.end()
    await once(asked, 'response')
    if (isEnded) {
      const { status } = await roads.github.completeJob(
        job,
        `${roads.url}/webhooks/github`,
        roads.webhookSecret,
      )
      said(`webhook ${status}`)
    }
    await closed
    said('stream cut')
  }

/** A caller that goes away in the middle of an answer. */
const leaves: Kind = async (roads, said) => {
  const { token } = await signIn(roads)
  const asked = request(`${roads.api}/stream`, {
    headers: { authorization: `Bearer ${token}` },
    agent: false,
  })
  asked.on('error', () => undefined)
  asked.end()
  await once(asked, 'response')
  asked.destroy()
  await revoke(roads.url, token)
  said('caller left')
}

/** Whom nobody lets in, and who does not even speak HTTP. */
const refused: Kind = async (roads, said) => {
  const { token } = await signIn(roads)
  const [head, body] = token.split('.')
  const forged = `${head}.${body}.${'A'.repeat(86)}`
  for (const each of [undefined, 'nonsense', forged]) said(`refused ${(await call(roads.api, each)).status}`)
  said(`outside ${(await call(roads.api, token, '/admin')).status}`)
  said(`unknown subject ${(await exchange(roads.url, forged)).status}`)
  for (const text of [
    'GET / HTTP/1.1\r\n\r\n',
    'SSH-2.0-x\r\n',
    'GET /orders HTTP/1.1\r\nHost: a\r\nContent-',
  ]) {
    const socket = connect(Number(new URL(roads.api).port), '127.0.0.1')
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    socket.resume().end(text)
    await closed
  }
  said('garbage')
}

/** Sessions of a database: used and closed, or left open until the lease is over. */
const database =
  (isLeft: boolean): Kind =>
  async (roads, said) => {
    const { token, answer } = await signIn(roads, 'orders-db')
    const place = new URL(roads.database)
    place.password = encodeURIComponent(token)
    const client = new pg.Client({ connectionString: place.href })
    client.on('error', () => undefined)
    // `once` would take what the server says before it ends a session for a failure of ours.
    const ended = new Promise((resolve) => client.once('end', resolve))
    await client.connect()
    await client.query('SELECT 1')
    await client.query('SELECT $1::int', [2]).catch(() => said('statement torn'))
    said('statements')
    if (!isLeft) await client.end()
    await ended
    await revoke(roads.url, String(answer.body['access_token']))
    said(isLeft ? 'session cut' : 'session closed')
    place.password = 'nonsense'
    const stranger = new pg.Client({ connectionString: place.href })
    stranger.on('error', () => undefined)
    await stranger.connect().catch(() => said('stranger refused'))
    await stranger.end().catch(() => undefined)
  }

/** An agent: what tools there are, a call, one that is none, and one after the end. */
const agent: Kind = async (roads, said) => {
  const { token } = await signIn(roads, 'tools')
  const say = async (method: string, name?: string) => {
    const params = name === undefined ? {} : { name, arguments: {} }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta() } })
    const headers = {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ ...modern(method, name), authorization: `Bearer ${token}` },
    }
    return await ask(roads.tools, { method: 'POST', headers, body })
  }
  said(`tools ${(await say('tools/list')).status}`)
  said(
    `tool ${(await say('tools/call', 'search_orders')).text.includes('search_orders done') ? 'done' : 'not done'}`,
  )
  said(
    `hidden tool ${(await say('tools/call', 'delete_orders')).text.includes('Unknown tool') ? 'unknown' : 'known'}`,
  )
  await revoke(roads.url, token)
  said(`tools after the end ${(await say('tools/list')).status}`)
}

/** Somebody signs in, works, and signs out here or at the provider. */
const person =
  (isElsewhere: boolean): Kind =>
  async ({ console: origin, provider }, said) => {
    const browser = new Browser()
    said(`page ${(await browser.open(`${origin}/orders/1`)).status}`)
    const program = { headers: { 'sec-fetch-mode': 'cors', accept: '*/*' } }
    said(`script ${(await browser.ask(new URL(`${origin}/orders/2`), program)).status}`)
    if (isElsewhere) {
      const body = new URLSearchParams({ logout_token: await provider.logoutToken() })
      said(
        `logout ${(await browser.ask(new URL(`${origin}/.mayfly/backchannel-logout`), { method: 'POST', body })).status}`,
      )
    } else {
      const out = { method: 'POST', headers: { origin } }
      said(`sign-out ${(await browser.ask(new URL(`${origin}/.mayfly/sign-out`), out)).status}`)
    }
    await browser.ask(new URL(`${origin}/orders/3`), program)
    said('person')
  }

const kinds: readonly Kind[] = [
  calls,
  stream(true),
  leaves,
  refused,
  calls,
  database(false),
  calls,
  stream(false),
  database(true),
  agent,
  person(false),
  person(true),
]
