/** From the moment a webhook is sent until the credential of its job is dead, as whoever holds it sees it. */
import pg from 'pg'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { type Answered, call, exchange, introspect } from '../../test/fakes/requests.ts'
import { brokerUrl, type Place } from './place.ts'

/** Milliseconds, one for each job. */
export interface Latencies {
  readonly introspection: readonly number[]
  readonly gate: readonly number[]
  readonly login: readonly number[]
  readonly session: readonly number[]
  /** Until the webhook is answered. */
  readonly webhook: readonly number[]
}

type Job = ReturnType<Place['github']['job']>

/** Ends `tokens` jobs that hold a token, then `databases` that hold a role and a session of it, one after another. */
export async function measureLatencies(place: Place, tokens: number, databases: number): Promise<Latencies> {
  const found = { introspection: [], gate: [], login: [], session: [], webhook: [] } as {
    [Name in keyof Latencies]: number[]
  }
  for (let at = 0; at < tokens; at++) {
    const { job, body } = await get(place, 'orders-api')
    const token = String(body['access_token'])
    const begun = performance.now()
    const [answered, introspection, gate] = await Promise.all([
      endJob(place, job),
      until(async () => (await introspect(place.url, token)).body['active'] === false),
      until(async () => (await call(place.gate, token)).status === 401),
    ])
    found.webhook.push(answered - begun)
    found.introspection.push(introspection - begun)
    found.gate.push(gate - begun)
  }
  for (let at = 0; at < databases; at++) {
    const { job, body } = await get(place, 'orders-db')
    const { url = '' } = body['credential'] as Readonly<Record<string, string>>
    const session = new pg.Client({ connectionString: url })
    // The server says why before it ends the session; `once` would take that for a failure of ours.
    session.on('error', () => undefined)
    await session.connect()
    const cut = new Promise<number>((resolve) => session.once('end', () => resolve(performance.now())))
    const begun = performance.now()
    const refused = until(async () => !(await signsIn(url)))
    await endJob(place, job)
    found.session.push((await cut) - begun)
    found.login.push((await refused) - begun)
  }
  return found
}

async function get(place: Place, audience: string): Promise<Answered & { readonly job: Job }> {
  const job = place.github.job(pushJob('staging'))
  const answer = await exchange(place.url, place.github.idTokenOf(job, brokerUrl), { audience })
  if (answer.status !== 200) throw new Error(answer.text)
  return { ...answer, job }
}

async function endJob({ github, url, webhookSecret }: Place, job: Job): Promise<number> {
  const { status } = await github.completeJob(job, `${url}/webhooks/github`, webhookSecret)
  if (status !== 202) throw new Error(`a webhook was answered with ${status}`)
  return performance.now()
}

/** Asks again and again; the time when it was true. */
async function until(isDead: () => Promise<boolean>): Promise<number> {
  while (!(await isDead()));
  return performance.now()
}

async function signsIn(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  return await client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}
