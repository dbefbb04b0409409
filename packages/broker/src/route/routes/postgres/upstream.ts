/** Signing in at the server behind the route, as the lease's own role. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as secure, type TLSSocket } from 'node:tls'
import { z } from 'zod'
import type { Json } from '../../../base/canonical-json.ts'
import { Failure } from '../../../base/failure.ts'
import type { Reach } from '../../../base/reach.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import { exactly, int32, message, textAt, written } from './bytes.ts'
import { openScram } from './scram.ts'

/** Where a lease's role is, and how it signs in. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly role: string
  readonly password: Secret
  /** `verify`: the server's name and its chain are checked. */
  readonly tls: 'off' | 'verify' | 'unverified'
  /** Path of the certificates that vouch for the server's, PEM; those of the system where absent. */
  readonly rootCertificate?: string
  /** Where we cannot dial it ourselves. */
  readonly reach?: Reach
}

/** A session that is open and waits for its first statement. */
export interface Session {
  readonly socket: Duplex
  /** ParameterStatus messages as the server sent them. */
  readonly greeting: Buffer
  /** What cancels there; nobody else sees it. */
  readonly cancelKey: Buffer
}

const handleShape = z.object({
  server: z.string().optional(),
  url: z.string(),
  role: z.string(),
  password: z.string(),
})

/** Reads the opened handle of a lease whose role is used through a route. Throws when it is none. */
export function placeOf(
  handle: Json,
  reachOf: (server: string) => Reach | undefined = () => undefined,
): Place {
  const parsed = handleShape.safeParse(handle)
  if (!parsed.success || !URL.canParse(parsed.data.url))
    throw new Failure('internal', { reason: 'the lease has no role that a route could use' })
  const url = new URL(parsed.data.url)
  const mode = url.searchParams.get('sslmode') ?? 'disable'
  const root = url.searchParams.get('sslrootcert')
  const reach = reachOf(parsed.data.server ?? '')
  return {
    ...(reach === undefined ? {} : { reach }),
    ...(root === null ? {} : { rootCertificate: root }),
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port === '' ? 5432 : url.port),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    role: parsed.data.role,
    password: new Secret(parsed.data.password),
    tls: mode === 'disable' ? 'off' : mode === 'no-verify' ? 'unverified' : 'verify',
  }
}

/** A connection to the place, over TLS where it says so. Throws `provider_unavailable`. */
export async function reach(place: Place): Promise<Duplex> {
  const { host, port } = place
  const plain: Duplex = place.reach?.({ host, port }) ?? connect({ host, port, noDelay: true })
  plain.on('error', () => {})
  try {
    await opened(plain, 'connect')
    if (place.tls === 'off') return plain
    plain.write(written('', int32(80_877_103)))
    const [said] = await exactly(plain, 1)
    if (said !== 0x53 || plain.readableLength > 0) throw broken('it does not take TLS')
    const { rootCertificate: root } = place
    const socket = secure({
      socket: plain,
      ...(root === undefined ? {} : { ca: await readFile(root) }),
      ...(/^[0-9.]+$|:/.test(place.host) ? { host: place.host } : { servername: place.host }),
      ALPNProtocols: ['postgresql'],
      rejectUnauthorized: place.tls === 'verify',
    })
    socket.on('error', () => {})
    await opened(socket, 'secureConnect')
    return socket
  } catch (thrown) {
    plain.destroy()
    throw thrown instanceof Failure && thrown.code === 'provider_unavailable'
      ? thrown
      : broken('it cannot be reached', thrown)
  }
}

function opened(socket: Duplex, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve())
    socket.once('error', (cause) => reject(broken('it cannot be reached', cause)))
    socket.once('close', () => reject(broken('it closed the connection')))
  })
}

/** Opens a session of the lease's role. Throws `provider_unavailable`; what the server says goes no further. */
export async function signIn(
  place: Place,
  parameters: ReadonlyMap<string, string>,
  { after, randomBytes }: Pick<Tools, 'after' | 'randomBytes'>,
  timeoutMs: number,
): Promise<Session> {
  const socket = await within(timeoutMs, after, reach(place))
  const cancel = after(timeoutMs, () => socket.destroy())
  try {
    const all = [['user', place.role], ['database', place.database], ...parameters].flat()
    socket.write(written('', int32(3 << 16), ...all, Buffer.of(0)))
    await authenticate(socket, place, Buffer.from(randomBytes(18)).toString('base64'))
    return await greeted(socket)
  } catch (thrown) {
    socket.destroy()
    throw thrown instanceof Failure && thrown.code === 'provider_unavailable'
      ? thrown
      : broken('it does not speak the protocol', thrown)
  } finally {
    cancel()
  }
}

async function within(ms: number, after: Tools['after'], reaching: Promise<Duplex>): Promise<Duplex> {
  let late = false
  let cancel = () => {}
  const limit = new Promise<never>((_, reject) => {
    cancel = after(ms, () => {
      late = true
      reject(broken('it does not answer'))
    })
  })
  reaching.then(
    (socket) => late && socket.destroy(),
    () => {},
  )
  return await Promise.race([reaching, limit]).finally(() => cancel())
}

/** SCRAM alone: a server that asks for the password itself, or its MD5, would be collecting it. */
async function authenticate(socket: Duplex, place: Place, nonce: string): Promise<void> {
  const offered = await authentication(socket, 10)
  const mechanisms = textsOf(offered)
  const scram = openScram(mechanisms, {
    password: place.password.reveal(),
    nonce,
    binding: endPoint(socket),
  })
  const first = Buffer.from(scram.first)
  socket.write(written('p', scram.mechanism, int32(first.length), first))
  const asked = await authentication(socket, 11)
  socket.write(written('p', Buffer.from(await scram.final(asked.toString('latin1')))))
  scram.verify((await authentication(socket, 12)).toString('latin1'))
  await authentication(socket, 0)
}

async function authentication(socket: Duplex, wanted: number): Promise<Buffer> {
  const { type, body } = await message(socket, 65_536)
  if (type === 'E') throw broken(`it refuses the session (${sqlstateOf(body)})`)
  const got = type === 'R' && body.length >= 4 ? body.readUInt32BE(0) : undefined
  if (got !== wanted) throw broken('it wants another way to sign in than SCRAM-SHA-256')
  return body.subarray(4)
}

function textsOf(body: Buffer): readonly string[] {
  return body.toString('latin1').split('\0').filter(Boolean)
}

/** RFC 5929 4.1: the certificate's own hash, SHA-256 where that is weaker; none where the algorithm has none. */
function endPoint(socket: Duplex): Uint8Array | undefined {
  const raw = 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate(true).raw : undefined
  if (raw === undefined) return undefined
  const algorithm = new X509Certificate(raw).signatureAlgorithm ?? ''
  const [hash] = /sha(?:1|224|256|384|512)|md5/i.exec(algorithm) ?? []
  if (hash === undefined) return undefined
  return createHash(/sha1|md5/i.test(hash) ? 'sha256' : hash.toLowerCase())
    .update(raw)
    .digest()
}

async function greeted(socket: Duplex): Promise<Session> {
  const said: Buffer[] = []
  let cancelKey: Buffer = Buffer.alloc(0)
  for (let count = 0; count < 1000; count++) {
    const { type, body } = await message(socket, 65_536)
    if (type === 'Z') return { socket, greeting: Buffer.concat(said), cancelKey }
    if (type === 'E') throw broken(`it refuses the session (${sqlstateOf(body)})`)
    if (type === 'S' || type === 'N') said.push(written(type, body))
    if (type === 'K') cancelKey = body
  }
  throw broken('it does not come to an end')
}

/** Asks the server to stop what a session is doing (protocol, "Canceling Requests in Progress"). */
export async function cancelThere(place: Place, key: Buffer): Promise<void> {
  const socket = await reach(place)
  socket.end(written('', int32(80_877_102), key))
  socket.resume()
}

function sqlstateOf(body: Buffer): string {
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const field = textAt(body, at + 1, body.length)
    if (body[at] === 0x43) return field.text
    at = field.next
  }
  return 'without a code'
}

function broken(what: string, cause?: unknown): Failure {
  return new Failure('provider_unavailable', { reason: `PostgreSQL: ${what}`, cause })
}
