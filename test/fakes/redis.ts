/**
 * A real Redis for tests: `redis-server` on loopback with its own folder, port, ACL file and passwords, and the real
 * `redis-cli`. It ends with the test process, however that dies.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianProgram } from './debian-package.ts'
import { freePort } from './free-port.ts'
import { type Ran, run } from './sshd.ts'

export interface RunningRedis {
  /** URL of the user that may do everything. */
  readonly admin: string
  /** URL of the user that may make and delete users, and nothing else. */
  readonly broker: string
  /** Ends it as an operator would, and starts it again with the same ACL file. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Ends the server when the pipe on its input closes, which every way of dying does, and removes the folder. */
const guard = `
folder=$1; shift
exec 3<&0
"$@" </dev/null & server=$!
( cat <&3 >/dev/null; : >"$folder/orphaned"; kill -KILL $server ) 2>/dev/null & watch=$!
wait $server
if [ -e "$folder/orphaned" ]; then rm -rf "$folder"; fi
kill $watch 2>/dev/null
`

/** Starts a Redis. Throws an `Error` that says what to do where none can be had. */
export async function startRedis(): Promise<RunningRedis> {
  const program = debianProgram('/usr/bin/redis-server', 'redis-server')
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-redis-'))
  const [port, admin, broker] = [
    await freePort(),
    randomBytes(16).toString('hex'),
    randomBytes(16).toString('hex'),
  ]
  writeFileSync(
    join(folder, 'users.acl'),
    `user default off\nuser admin on >${admin} ~* &* +@all\nuser broker on >${broker} +acl|setuser +acl|deluser +acl|save\n`,
  )
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, `aclfile ${folder}/users.acl`, 'save ""']
  writeFileSync(join(folder, 'redis.conf'), `${lines.join('\n')}\n`)
  const begin = () => startServer(folder, program)
  let server = await begin()
  return {
    admin: `redis://admin:${admin}@127.0.0.1:${port}/0`,
    broker: `redis://broker:${broker}@127.0.0.1:${port}/0`,
    async restart() {
      await server.end()
      server = await begin()
    },
    async stop() {
      await server.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One command by the real client, signed in as the URL says. */
export function redisCli(url: string, ...words: string[]): Promise<Ran> {
  const program = debianProgram('/usr/bin/redis-cli', 'redis-tools')
  return run(program, ['--no-auth-warning', '-e', '-u', url, ...words])
}

async function startServer(folder: string, program: string): Promise<{ readonly end: () => Promise<void> }> {
  const words = ['-c', guard, 'sh', folder, program, join(folder, 'redis.conf')]
  const child = spawn('sh', words, {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  })
  let text = ''
  let pid = 0
  const ready = Promise.withResolvers<void>()
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    pid = Number(/pid=(\d+)/.exec(text)?.[1] ?? 0)
    if (/Ready to accept connections/.test(text)) ready.resolve()
  })
  const ended = once(child, 'close')
  void ended.then(() => ready.reject(new Error(`redis-server did not start:\n${text.slice(-2_000)}`)))
  await ready.promise
  return {
    async end() {
      process.kill(pid, 'SIGTERM')
      await ended
      child.stdin.destroy()
    },
  }
}
