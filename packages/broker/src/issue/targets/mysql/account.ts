import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../../base/failure.ts'
import { filledStatements } from '../../statements.ts'
import { codesOf, type Place, type Statement, withSession } from './sessions.ts'

const rounds = 40
const pauseMs = 100
const noSuchThread = 1094

/** What a lease is given. `name` is a name that we made, `roles` and the password need no escape inside quotes. */
export interface Account {
  readonly name: string
  readonly password: string
  readonly roles: readonly string[]
  readonly mostSessions: number
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** The statements that make an account, and those that it has to run itself. */
interface Steps {
  readonly ours: readonly string[]
  readonly its: readonly string[]
}

/**
 * Makes the account, statement by statement: these servers have no transaction around them. Whatever is there when one
 * is cut off has a name that `dropAccount` finds, and a password that nobody was told.
 */
export async function createAccount(
  place: Place,
  account: Account,
  templates: readonly string[] | undefined,
): Promise<void> {
  const its = await withSession(place, async (statement) => {
    const steps = await stepsOf(statement, account, templates)
    for (const text of steps.ours) await statement(text)
    return steps.its
  })
  if (its.length === 0) return
  await withSession({ ...place, user: account.name, password: account.password }, async (statement) => {
    for (const text of its) await statement(text)
  })
}

async function stepsOf(
  statement: Statement,
  account: Account,
  templates: readonly string[] | undefined,
): Promise<Steps> {
  if (templates === undefined)
    return (await isMariaDb(statement)) ? mariaDbSteps(account) : mysqlSteps(account)
  const { name, password, roles, expiresAt } = account
  const values = {
    name: accountOf(name),
    password: `'${password}'`,
    until: `'${new Date(expiresAt * 1000).toISOString().slice(0, 19).replace('T', ' ')}'`,
    roles: roles.map(identifier).join(', '),
  }
  return { ours: filledStatements(templates, values), its: [] }
}

async function isMariaDb(statement: Statement): Promise<boolean> {
  const { rows } = await statement('SELECT VERSION() AS version')
  return /mariadb/i.test(String(rows[0]?.['version'] ?? ''))
}

/** One role of an account is on at once: of several, a role of the lease's own gathers the rights. */
function mariaDbSteps({ name, password, roles, mostSessions }: Account): Steps {
  const account = accountOf(name)
  const [first = '', ...others] = roles.map(identifier)
  const gathered = identifier(name)
  const given = others.length === 0 ? first : gathered
  // What the server keeps of the password: the statement stands in its logs as it is sent.
  const hash = sha1(sha1(password)).toString('hex').toUpperCase()
  return {
    ours: [
      `CREATE USER ${account} IDENTIFIED VIA mysql_native_password USING '*${hash}' WITH MAX_USER_CONNECTIONS ${mostSessions}`,
      ...(others.length === 0
        ? []
        : [`CREATE ROLE ${gathered}`, ...[first, ...others].map((role) => `GRANT ${role} TO ${gathered}`)]),
      `GRANT ${given} TO ${account}`,
    ],
    // For another account this needs the right to write to the server's own tables; for itself it needs none.
    its: [`SET DEFAULT ROLE ${given}`],
  }
}

/** The server itself keeps passwords of these statements out of its logs. */
function mysqlSteps({ name, password, roles, mostSessions }: Account): Steps {
  const account = accountOf(name)
  const all = roles.map(identifier).join(', ')
  return {
    ours: [
      `CREATE USER ${account} IDENTIFIED BY '${password}' WITH MAX_USER_CONNECTIONS ${mostSessions}`,
      `GRANT ${all} TO ${account}`,
      `SET DEFAULT ROLE ${all} TO ${account}`,
    ],
    its: [],
  }
}

/**
 * Ends an account: nobody can sign in with it, its sessions are closed, and it is dropped, with the role that gathered
 * its rights. One that is not there is already ended. Can be called again after it was cut off at any point.
 */
export async function dropAccount(place: Place, name: string, templates: readonly string[]): Promise<void> {
  const account = accountOf(name)
  const fault = await withSession(place, async (statement) => {
    const { warnings } = await statement(`ALTER USER IF EXISTS ${account} ACCOUNT LOCK`)
    await closeSessions(statement, name)
    const failed = warnings === 0 ? await runTemplates(place, name, templates) : undefined
    if (await isMariaDb(statement)) await statement(`DROP ROLE IF EXISTS ${identifier(name)}`)
    await statement(`DROP USER IF EXISTS ${account}`)
    // A session keeps its rights when its account is gone: one that was just being opened must not stay.
    await closeSessions(statement, name)
    return failed
  })
  if (fault !== undefined) throw fault
}

/** In a session of their own: whatever they leave there, ours does not meet it. */
async function runTemplates(place: Place, name: string, templates: readonly string[]): Promise<unknown> {
  if (templates.length === 0) return undefined
  try {
    await withSession(place, async (statement) => {
      for (const text of filledStatements(templates, { name: accountOf(name) })) await statement(text)
    })
    return undefined
  } catch (thrown) {
    return thrown
  }
}

async function closeSessions(statement: Statement, name: string): Promise<void> {
  // Who may not see the sessions of others is shown none, without a word; this table says so.
  await statement('SELECT 1 FROM information_schema.innodb_trx LIMIT 1')
  for (let round = 0; round < rounds; round++) {
    const { rows } = await statement('SELECT id AS id FROM information_schema.processlist WHERE user = ?', [
      name,
    ])
    if (rows.length === 0) return
    for (const { id } of rows) await closeSession(statement, Number(id))
    await wait(pauseMs)
  }
  throw new Failure('provider_unavailable', { reason: 'MySQL: sessions of the account do not end' })
}

async function closeSession(statement: Statement, id: number): Promise<void> {
  try {
    await statement(`KILL CONNECTION ${id}`)
  } catch (thrown) {
    if (codesOf(thrown).errno !== noSuchThread) throw thrown
  }
}

function accountOf(name: string): string {
  return `${identifier(name)}@${identifier('%')}`
}

function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function sha1(data: string | Uint8Array): Buffer {
  return createHash('sha1').update(data).digest()
}
