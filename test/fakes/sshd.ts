/**
 * A real OpenSSH for tests: `sshd` on loopback as the current user, with its own folder, port and host key, and the
 * real `ssh` and `ssh-keygen`. It ends with the test process, however that dies.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { debianProgram } from './debian-package.ts'
import { freePort } from './free-port.ts'

export interface Ran {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

export interface RunningSshd {
  /** Logs in with a key and its certificate and runs `command`; `flags` go to `ssh`. */
  login(
    files: { readonly privateKey: string; readonly certificate: string },
    command: string,
    flags?: readonly string[],
  ): Promise<Ran>
  /** The lines of `TrustedUserCAKeys`. */
  trust(...publicKeys: readonly string[]): void
  /** The content of `RevokedKeys`. */
  revoked(list: Uint8Array): void
  /** What it wrote to its log so far. */
  log(): string
  stop(): Promise<void>
  /** Words by which a person's own `ssh` reaches it, with whatever keys its agent has. */
  readonly place: readonly string[]
}

/** Runs one program to its end. */
export async function run(program: string, words: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(program, words, { env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } })
  const said = { output: '', errors: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.errors += chunk.toString()))
  // A program that does not read its input may be gone before it is written.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...said }
}

/** `ssh-keygen`, which has to succeed; answers what it printed. */
export async function sshKeygen(...words: string[]): Promise<string> {
  const ran = await run(debianProgram('/usr/bin/ssh-keygen', 'openssh-client'), words)
  if (ran.code !== 0) throw new Error(`ssh-keygen ${words.join(' ')}: ${ran.errors}`)
  return ran.output
}

/** Makes a key as people do; answers the text of both files. */
export async function makeKey(
  folder: string,
  ...kind: readonly string[]
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const path = join(mkdtempSync(join(folder, 'key-')), 'key')
  await sshKeygen('-q', '-N', '', '-C', 'ca@example.com', '-f', path, ...kind)
  return { privateKey: readFileSync(path, 'utf8'), publicKey: readFileSync(`${path}.pub`, 'utf8') }
}

/** A folder that only we can read, as `ssh` wants it. */
export function sshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'mayfly-ssh-'))
}

/** Starts `sshd`, which lets `principals` into the current user's account. */
export async function startSshd(principals: readonly string[]): Promise<RunningSshd> {
  const folder = sshFolder()
  const host = await makeKey(folder, '-t', 'ed25519')
  const path = (name: string) => join(folder, name)
  const keep = (name: string, content: string | Uint8Array) =>
    writeFileSync(path(name), content, { mode: 0o600 })
  keep('host', host.privateKey)
  for (const empty of ['authorities', 'revoked']) keep(empty, '')
  keep('principals', `${principals.join('\n')}\n`)
  const port = await freePort()
  const user = userInfo().username
  keep('config', configuration(folder, port, user))
  keep('known_hosts', `[127.0.0.1]:${port} ${host.publicKey}`)
  const server = await startServer(folder)
  let logins = 0
  return {
    async login({ privateKey, certificate }, command, flags = []) {
      const files = path(`login-${logins++}`)
      mkdirSync(files)
      const key = join(files, 'id')
      writeFileSync(key, privateKey, { mode: 0o600 })
      // Where `ssh` looks for the certificate of a key by itself.
      writeFileSync(`${key}-cert.pub`, certificate)
      const options = { ...clientOptions, UserKnownHostsFile: path('known_hosts') }
      const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
      const place = ['-F', 'none', '-i', key, '-p', String(port), ...words, ...flags, `${user}@127.0.0.1`]
      return await run(debianProgram('/usr/bin/ssh', 'openssh-client'), [...place, command])
    },
    place: [
      ...['-F', 'none', '-p', String(port), '-o', `UserKnownHostsFile=${path('known_hosts')}`],
      ...['-o', 'BatchMode=yes', '-o', 'GlobalKnownHostsFile=none', `${user}@127.0.0.1`],
    ],
    trust: (...publicKeys) => keep('authorities', publicKeys.join('\n')),
    revoked: (list) => keep('revoked', list),
    log: server.log,
    async stop() {
      await server.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const clientOptions = {
  BatchMode: 'yes',
  ConnectTimeout: '20',
  IdentitiesOnly: 'yes',
  IdentityAgent: 'none',
  StrictHostKeyChecking: 'yes',
  GlobalKnownHostsFile: 'none',
}

function configuration(folder: string, port: number, user: string): string {
  return `
ListenAddress 127.0.0.1
Port ${port}
HostKey ${folder}/host
TrustedUserCAKeys ${folder}/authorities
AuthorizedPrincipalsFile ${folder}/principals
RevokedKeys ${folder}/revoked
AuthorizedKeysFile none
AuthenticationMethods publickey
AllowUsers ${user}
PermitRootLogin prohibit-password
UsePAM no
PidFile none
StrictModes no
LogLevel VERBOSE
`
}

/** Waits for the server; when the pipe on its input closes, which every way of dying does, it ends the server. */
const guard = `
exec 3<&0
"$@" </dev/null & server=$!
( cat <&3 >/dev/null; kill $server ) 2>/dev/null & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
exit $code
`

async function startServer(
  folder: string,
): Promise<{ readonly log: () => string; readonly end: () => Promise<void> }> {
  const program = debianProgram('/usr/sbin/sshd', 'openssh-server')
  // Started as root it wants this empty folder, which is otherwise made at boot.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const child = spawn('sh', ['-c', guard, 'sh', program, '-D', '-e', '-f', join(folder, 'config')], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  })
  let text = ''
  const listening = Promise.withResolvers<void>()
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.includes('Server listening on')) listening.resolve()
  })
  const ended = once(child, 'close')
  void ended.then(() => listening.reject(new Error(`sshd did not start:\n${text.slice(-2_000)}`)))
  await listening.promise
  return {
    log: () => text,
    async end() {
      child.stdin.end()
      await ended
    },
  }
}
