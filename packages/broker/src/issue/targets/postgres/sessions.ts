import type { Socket } from 'node:net'
import pg from 'pg'
import { Failure } from '../../../base/failure.ts'
import type { Reach, Reachable } from '../../../base/reach.ts'

/** In ms. A statement that is cut off leaves nothing: what makes a role is one transaction. */
const limits = { connect: 5_000, statement: 10_000, lock: 5_000, answer: 15_000 } as const

/** A server, and how it is reached where we cannot dial it. */
export interface Server {
  readonly url: string
  readonly reach?: Reach | undefined
}

/** Does something with a session of its own, and closes it. Throws `provider_unavailable` when it cannot be had. */
export async function withSession<T>(
  { url, reach }: Server,
  work: (session: pg.Client) => Promise<T>,
  database?: string,
): Promise<T> {
  const session = new pg.Client({
    connectionString: database === undefined ? url : withDatabase(url, database),
    ...(reach === undefined ? {} : { stream: () => reach(placeOf(url)) as Socket }),
    application_name: 'mayfly',
    connectionTimeoutMillis: limits.connect,
    query_timeout: limits.answer,
    statement_timeout: limits.statement,
    lock_timeout: limits.lock,
  })
  // A connection that breaks rejects what runs on it; without this it would end the process too.
  session.on('error', () => undefined)
  try {
    await session.connect()
    return await work(session)
  } catch (thrown) {
    throw asFailureOf(thrown)
  } finally {
    await session.end().catch(() => undefined)
  }
}

function placeOf(url: string): Reachable {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port === '' ? 5432 : port) }
}

function withDatabase(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${encodeURIComponent(database)}`
  return other.href
}

/** States in which the server refuses for good, until somebody changes the policy, the configuration or the server. */
const refusals: Readonly<Record<string, string>> = {
  '42601': 'the server does not understand a statement of the connection',
  '42704': 'a role that the policy names is not on the server',
  '42501':
    'the role of the connection may not do this; it needs CREATEROLE, and ADMIN on the roles that it grants',
  '0LP01': 'a role that the policy names cannot be granted',
}

/** What the server says may hold parts of statements: only its code goes further. */
function asFailureOf(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown
  const code = codeOf(thrown)
  const refused = refusals[code]
  if (refused !== undefined)
    return new Failure('target_refused', { reason: `${refused} (${code})`, cause: thrown })
  const said = code === '' ? 'it does not answer' : `it says ${code}`
  return new Failure('provider_unavailable', { reason: `PostgreSQL: ${said}`, cause: thrown })
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}
