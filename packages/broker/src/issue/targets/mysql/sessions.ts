import { connect } from 'node:net'
import mysql, { type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2'
import { Failure } from '../../../base/failure.ts'

/** For all that one session does. */
const limitMs = 10_000
/** Names and numbers of sessions are all that we ask for. */
const mostBytes = 1_000_000
const watchMs = 50

/** Who signs in where. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly tls: boolean
}

export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many warnings the statement left, such as of something that is not there. */
  readonly warnings: number
}

/** Runs one statement; `?` stands for a text. */
export type Statement = (text: string, values?: readonly string[]) => Promise<Answer>

/**
 * Does something with a session of its own, signed in, and closes it. Throws `provider_unavailable` when it cannot be
 * had, `target_refused` where the server refuses for good.
 */
export async function withSession<T>(place: Place, work: (statement: Statement) => Promise<T>): Promise<T> {
  const { host, port, user, password, tls } = place
  const socket = connect({ host, port, noDelay: true })
  socket.on('error', () => undefined)
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => undefined)
  const timer = setTimeout(() => over.reject(unavailable('it does not answer in time')), limitMs)
  const watch = setInterval(() => {
    if (socket.bytesRead > mostBytes) over.reject(unavailable('its answer is too long'))
  }, watchMs)
  const connection = mysql.createConnection({
    ...{ host, port, user, password, stream: socket, connectTimeout: limitMs },
    // It would otherwise write code from the names of columns, and let options of the URL change what it does.
    ...{ disableEval: true, multipleStatements: false, charset: 'utf8mb4' },
    ...(tls ? { ssl: { rejectUnauthorized: true, verifyIdentity: true, minVersion: 'TLSv1.2' } } : {}),
  })
  // A connection that breaks rejects what runs on it; without this it would end the process too.
  connection.on('error', () => undefined)
  try {
    const done = await Promise.race([work(statementsOf(connection)), over.promise])
    await Promise.race([connection.promise().end(), over.promise]).catch(() => undefined)
    return done
  } catch (thrown) {
    throw asFailureOf(thrown)
  } finally {
    clearTimeout(timer)
    clearInterval(watch)
    connection.destroy()
    socket.destroy()
  }
}

function statementsOf(connection: Connection): Statement {
  const session = connection.promise()
  return async (text, values = []) => {
    const [result] = await session.query<RowDataPacket[] | ResultSetHeader>(text, [...values])
    return Array.isArray(result)
      ? { rows: result, warnings: 0 }
      : { rows: [], warnings: result.warningStatus }
  }
}

const lacksRights =
  'the user of the connection may not do this; it needs CREATE USER, PROCESS, CONNECTION ADMIN (MySQL: CONNECTION_ADMIN) and the roles of the policy WITH ADMIN OPTION'

/** Numbers with which a server refuses for good, until somebody changes the policy, the configuration or the server. */
const refusals: Readonly<Record<number, string>> = {
  1044: lacksRights,
  1064: 'the server does not understand a statement of the connection',
  1095: lacksRights,
  1142: lacksRights,
  1227: lacksRights,
  // MariaDB says so of a role that the user may not grant, and of a sign-in that wants another way than a password.
  1698: lacksRights,
  1819: 'the server wants other passwords than ours',
  1959: 'a role that the policy names is not on the server',
  1961: 'a role that the policy names cannot be granted',
  3523: 'a role that the policy names is not on the server',
  3530: 'a role that the policy names cannot be granted',
  4006: 'the account is locked and its sessions are closed, but views, routines, triggers or events name it as definer',
}

/** What the server and the client say may hold parts of statements: only the code goes further, no cause either. */
function asFailureOf(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown
  const { code, errno } = codesOf(thrown)
  const refused = refusals[errno]
  if (refused !== undefined) return new Failure('target_refused', { reason: `MySQL: ${refused} (${errno})` })
  return unavailable(/^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? `it says ${code}` : 'it does not answer')
}

/** The number of what the server refused; 0 = it was something else. */
export function codesOf(thrown: unknown): { readonly code: string; readonly errno: number } {
  const members: Readonly<Record<string, unknown>> = thrown instanceof Error ? { ...thrown } : {}
  return { code: String(members['code'] ?? ''), errno: Number(members['errno'] ?? 0) }
}

function unavailable(said: string): Failure {
  return new Failure('provider_unavailable', { reason: `MySQL: ${said}` })
}
