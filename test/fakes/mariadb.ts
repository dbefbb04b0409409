/**
 * A real MariaDB for tests: `mariadbd` on loopback with its own folder, port and passwords, and the real `mysql` client.
 * It ends with the test process, however that dies.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { debianProgram } from './debian-package.ts'
import { freePort } from './free-port.ts'
import { type Ran, run } from './sshd.ts'

export interface RunningMariadb {
  /** URL of the user that may do everything. */
  readonly admin: string
  /** URL of a user with no more rights than the guide asks for. */
  readonly broker: string
  /** Every statement that it was sent so far, as its logs keep them. */
  log(): string
  stop(): Promise<void>
}

/**
 * Ends the server when the pipe on its input closes, which every way of dying does, and removes the folder. Nobody reads
 * what the shell itself would say then.
 */
const guard = `
folder=$1; shift
exec 3<&0
"$@" </dev/null & server=$!
exec 2>/dev/null
( cat <&3 >/dev/null; : >"$folder/orphaned"; kill -KILL $server ) 2>/dev/null & watch=$!
wait $server
if [ -e "$folder/orphaned" ]; then rm -rf "$folder"; fi
kill $watch 2>/dev/null
`

/** Of the guide: roles of an application, and the broker's user. */
const prepare = `
CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY);
CREATE DATABASE reports;
CREATE TABLE reports.daily (id INT PRIMARY KEY);
CREATE ROLE migrator;
GRANT ALL ON shop.* TO migrator;
CREATE ROLE reader;
GRANT SELECT ON reports.* TO reader;
CREATE ROLE elsewhere;
GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO broker@'%';
GRANT migrator TO broker@'%' WITH ADMIN OPTION;
GRANT reader TO broker@'%' WITH ADMIN OPTION;
`

/** Starts a MariaDB; `flags` go to the server. Throws an `Error` that says what to do where none can be had. */
export async function startMariadb(...flags: readonly string[]): Promise<RunningMariadb> {
  const program = debianProgram('/usr/sbin/mariadbd', 'mariadb-server-core')
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-mariadb-'))
  const data = join(folder, 'data')
  const common = ['--no-defaults', `--datadir=${data}`, `--user=${userInfo().username}`]
  const installer = debianProgram('/usr/bin/mariadb-install-db', 'mariadb-server-core')
  const normal = ['--auth-root-authentication-method=normal', '--skip-test-db']
  const made = await run(installer, [...common, ...normal])
  if (made.code !== 0) throw new Error(`mariadb-install-db failed:\n${made.output}${made.errors}`)
  const [admin, broker] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
  const first = join(folder, 'first.sql')
  writeFileSync(
    first,
    `CREATE USER admin@'%' IDENTIFIED BY '${admin}';
GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;
CREATE USER broker@'%' IDENTIFIED BY '${broker}';
`,
  )
  const port = await freePort()
  const server = await startServer(folder, [
    program,
    ...common,
    `--init-file=${first}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--general-log=1',
    `--general-log-file=${join(folder, 'general.log')}`,
    ...flags,
  ])
  const url = (user: string, password: string) => `mysql://${user}:${password}@127.0.0.1:${port}/shop`
  const prepared = await mysqlClient(url('admin', admin).replace(/shop$/, ''), prepare)
  if (prepared.code !== 0) throw new Error(prepared.errors)
  return {
    admin: url('admin', admin),
    broker: url('broker', broker),
    log: () => readFileSync(join(folder, 'general.log'), 'latin1'),
    async stop() {
      await server.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Statements by the real client, signed in as the URL says; its first fault ends it. Rows without their heads. */
export function mysqlClient(url: string, statements: string): Promise<Ran> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const place = [`--host=${hostname}`, `--port=${port}`, `--user=${username}`, `--password=${password}`]
  const program = debianProgram('/usr/bin/mysql', 'mariadb-client')
  const flags = ['--no-defaults', '--protocol=tcp', '--batch', '--skip-column-names']
  return run(program, [...flags, ...place, pathname.slice(1)].filter(Boolean), statements)
}

async function startServer(
  folder: string,
  words: readonly string[],
): Promise<{ readonly end: () => Promise<void> }> {
  const child = spawn('sh', ['-c', guard, 'sh', folder, ...words], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  })
  let text = ''
  const ready = Promise.withResolvers<void>()
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (/ready for connections/.test(text)) ready.resolve()
  })
  const ended = once(child, 'close')
  void ended.then(() => ready.reject(new Error(`mariadbd did not start:\n${text.slice(-2_000)}`)))
  await ready.promise
  return {
    async end() {
      process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL')
      await ended
      child.stdin.destroy()
    },
  }
}
