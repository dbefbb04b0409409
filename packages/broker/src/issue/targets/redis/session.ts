import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Failure } from '../../../base/failure.ts'

/** For all that one session does. */
const limitMs = 10_000
/** Every answer that we ask for is one short line. */
const mostBytes = 4_096

/** Sends one command and answers the line that came back: `+OK`, `:1`. */
export type Command = (...words: readonly string[]) => Promise<string>

/** Where a server is; brackets of an IPv6 address are the URL's, not the address's. */
export function placeOf(url: URL): { readonly host: string; readonly port: number; readonly tls: boolean } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(url.port || '6379'), tls: url.protocol === 'rediss:' }
}

/**
 * Does something with a session of its own, signed in, and closes it. Throws `provider_unavailable` when it cannot be
 * had, `target_refused` where the server refuses for good.
 *
 * A RESP2 client of our own: three commands whose answers are one line each do not need a package.
 */
export async function withSession<T>(url: string, work: (command: Command) => Promise<T>): Promise<T> {
  const at = new URL(url)
  const socket = open(placeOf(at))
  const timer = setTimeout(() => socket.destroy(unavailable('it does not answer in time')), limitMs)
  const lines = linesOf(socket)
  const command: Command = async (...words) => {
    socket.write(encode(words))
    const { value } = await lines.next()
    return judge(typeof value === 'string' ? value : undefined)
  }
  try {
    const [user, password] = [decodeURIComponent(at.username), decodeURIComponent(at.password)]
    if (password !== '') await command('AUTH', user === '' ? 'default' : user, password)
    return await work(command)
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown
    const code = thrown instanceof Error && 'code' in thrown ? `: ${String(thrown.code)}` : ''
    throw unavailable(`the connection failed${code}`, thrown)
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function open({ host, port, tls }: ReturnType<typeof placeOf>): Socket {
  const socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
    : connectPlain({ host, port })
  // A connection that breaks rejects what waits for it; without this it would end the process too.
  socket.on('error', () => undefined)
  return socket
}

/** An array of bulk strings: each says its length, so no word can become another command. */
function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

async function* linesOf(socket: Socket): AsyncGenerator<string, undefined> {
  let kept = ''
  for await (const chunk of socket) {
    kept += Buffer.from(chunk as Uint8Array).toString('latin1')
    for (let end = kept.indexOf('\r\n'); end !== -1; end = kept.indexOf('\r\n')) {
      yield kept.slice(0, end)
      kept = kept.slice(end + 2)
    }
    if (kept.length > mostBytes) throw unavailable('its answer is too long')
  }
  return undefined
}

/** What the server says may hold parts of commands: only its code goes further. */
function judge(line: string | undefined): string {
  if (line === undefined) throw unavailable('it closed the connection')
  if (/^(?:\+OK|:\d{1,9})$/.test(line)) return line
  if (!line.startsWith('-')) throw unavailable('its answer is not what was asked for')
  if (line.startsWith('-NOPERM'))
    throw refused('the user of the connection may not do this; it needs ACL SETUSER and ACL DELUSER (NOPERM)')
  if (line.startsWith('-ERR Error in ACL SETUSER'))
    throw refused('the server does not take a rule of the policy')
  if (line.startsWith('-ERR This Redis instance is not configured to use an ACL file'))
    throw refused('`save` needs an aclfile, and the server has none')
  throw unavailable(`it says ${/^-([A-Z]{2,20})\b/.exec(line)?.[1] ?? 'an error'}`)
}

function unavailable(said: string, cause?: unknown): Failure {
  return new Failure('provider_unavailable', { reason: `Redis: ${said}`, cause })
}

function refused(reason: string): Failure {
  return new Failure('target_refused', { reason: `Redis: ${reason}` })
}
