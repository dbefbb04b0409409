import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { Failure } from '../../../base/failure.ts'
import { filledStatements } from '../../statements.ts'
import { type Server, withSession } from './sessions.ts'

const { escapeIdentifier } = pg
const rounds = 50
const pauseMs = 100

/**
 * Ends a role: nobody can sign in with it, its sessions are closed, what it owns in any database goes to `heir`, what
 * it was granted is taken away, and it is dropped. A role that is not there is already ended. Can be called again after
 * it was cut off at any point. `templates` run while the role is there; when they fail it is dropped all the same, and
 * their failure is thrown.
 */
export async function dropRole(
  server: Server,
  { role, heir }: { readonly role: string; readonly heir: string },
  templates: readonly string[],
): Promise<void> {
  let fault: unknown
  await withSession(server, async (session) => {
    // Two at once would stumble over each other's rows; it is given back when the session ends.
    await session.query('SELECT pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended($1, 0))', [role])
    if (!(await exists(session, role))) return
    const name = escapeIdentifier(role)
    await session.query(`ALTER ROLE ${name} NOLOGIN`)
    // Giving away what a role owns, and ending its sessions, is for its members; who made it may become one.
    await session.query(`GRANT ${name} TO CURRENT_USER`)
    await closeSessions(session, role)
    fault = await runTemplates(server, name, templates)
    if (!(await exists(session, role))) return
    const to = (await exists(session, heir)) ? escapeIdentifier(heir) : 'CURRENT_USER'
    for (const database of await databases(session, role)) {
      await withSession(server, (other) => clear(other, name, to), database)
    }
    await clear(session, name, to)
    await session.query(`DROP ROLE IF EXISTS ${name}`)
  })
  if (fault !== undefined) throw fault
}

/** In a session of their own: whatever they leave there, ours does not meet it. */
async function runTemplates(server: Server, name: string, templates: readonly string[]): Promise<unknown> {
  if (templates.length === 0) return undefined
  const text = filledStatements(templates, { name }).join('\n;\n')
  return await withSession(server, (session) => session.query(text)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
}

async function exists(session: pg.Client, role: string): Promise<boolean> {
  const { rowCount } = await session.query('SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', [role])
  return rowCount === 1
}

/** A session that was just being opened may still appear: it is over when none is left. */
async function closeSessions(session: pg.Client, role: string): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const { rowCount } = await session.query(
      'SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = $1',
      [role],
    )
    if (rowCount === 0) return
    await wait(pauseMs)
  }
  throw new Failure('provider_unavailable', { reason: 'PostgreSQL: sessions of the role do not end' })
}

/** Those in which something depends on the role. */
async function databases(session: pg.Client, role: string): Promise<readonly string[]> {
  const { rows } = await session.query<{ name: string }>(
    `SELECT DISTINCT d.datname AS name
       FROM pg_catalog.pg_shdepend s
       JOIN pg_catalog.pg_database d ON d.oid = s.dbid
       JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_catalog.pg_authid'::regclass
      WHERE r.rolname = $1`,
    [role],
  )
  return rows.map(({ name }) => name)
}

async function clear(session: pg.Client, name: string, heir: string): Promise<void> {
  await session.query(`REASSIGN OWNED BY ${name} TO ${heir}`)
  await session.query(`DROP OWNED BY ${name}`)
}
