/** The first packets of a caller (protocol 3.0, "Message Flow: Start-up"): TLS, cancel or a session. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { Failure } from '../../../base/failure.ts'
import { exactly, int32, textAt, written } from './bytes.ts'

const codes = { ssl: 80_877_103, gss: 80_877_104, cancel: 80_877_102, three: 3 } as const
/** As the server's own limit. */
const longest = 10_000

export type Beginning =
  | { readonly is: 'session'; readonly stream: Duplex; readonly parameters: ReadonlyMap<string, string> }
  | { readonly is: 'cancel'; readonly key: string }

/** Reads until a session or a cancellation begins. With `secure`, nothing but TLS may carry a session. */
export async function beginning(socket: Socket, secure: SecureContext | undefined): Promise<Beginning> {
  let stream: Duplex = socket
  let encrypted = false
  const asked = new Set<number>()
  const first = await exactly(socket, 1)
  socket.unshift(first)
  if (first[0] === 0x16) {
    stream = await overTls(socket, secure, true)
    encrypted = true
  }
  for (;;) {
    const { code, body } = await packet(stream)
    if (code === codes.cancel) return { is: 'cancel', key: cancelKey(body) }
    if (code === codes.ssl || code === codes.gss) {
      if (body.length > 0 || encrypted || asked.has(code))
        throw unfit('asks for encryption at a wrong moment')
      asked.add(code)
      const takes = code === codes.ssl && secure !== undefined
      // What somebody on the way puts behind the request would be read as if it had come encrypted (CVE-2021-23214).
      if (stream.readableLength > 0) throw unfit('sends more before encryption was agreed on')
      stream.write(takes ? 'S' : 'N')
      if (!takes) continue
      stream = await overTls(socket, secure, false)
      encrypted = true
      continue
    }
    if (code >>> 16 !== codes.three) throw unfit('speaks another protocol than version 3')
    if (secure !== undefined && !encrypted)
      throw new Failure('target_refused', {
        detail: 'This route takes sessions over TLS alone: sslmode=require.',
      })
    const parameters = parametersOf(body)
    negotiate(stream, code & 0xffff, parameters)
    return { is: 'session', stream, parameters }
  }
}

async function packet(stream: Duplex): Promise<{ code: number; body: Buffer }> {
  const head = await exactly(stream, 8)
  const size = head.readUInt32BE(0)
  if (size < 8 || size > longest) throw unfit('sends a first packet of a length that it may not have')
  return { code: head.readUInt32BE(4), body: await exactly(stream, size - 8) }
}

function overTls(socket: Socket, secure: SecureContext | undefined, direct: boolean): Promise<TLSSocket> {
  if (secure === undefined) throw unfit('begins with TLS, which this route does not have')
  const stream = new TLSSocket(socket, {
    isServer: true,
    secureContext: secure,
    ALPNProtocols: ['postgresql'],
  })
  return new Promise((resolve, reject) => {
    const failed = () => reject(unfit('does not agree on TLS'))
    stream.on('error', () => {})
    stream.once('close', failed)
    stream.once('secure', () => {
      stream.off('close', failed)
      // Without it, another protocol's client could be made to speak to us (ALPACA).
      if (direct && stream.alpnProtocol !== 'postgresql')
        reject(unfit('does not name the protocol within TLS'))
      else resolve(stream)
    })
  })
}

function parametersOf(body: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (let at = 0; ; ) {
    const name = textAt(body, at, body.length)
    if (name.text === '') {
      if (name.next !== body.length) throw unfit('sends more than its parameters')
      return found
    }
    const value = textAt(body, name.next, body.length)
    if (found.has(name.text)) throw unfit('names a parameter twice')
    found.set(name.text, value.text)
    at = value.next
  }
}

/** Options of the protocol that we do not have, and later minor versions: the caller hears of both and goes on. */
function negotiate(stream: Duplex, minor: number, parameters: ReadonlyMap<string, string>): void {
  const options = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'))
  if (minor === 0 && options.length === 0) return
  stream.write(written('v', int32(codes.three << 16), int32(options.length), ...options))
}

function cancelKey(body: Buffer): string {
  if (body.length !== 8) throw unfit('cancels with a key of another length')
  return body.toString('hex')
}

function unfit(what: string): Failure {
  return new Failure('request_malformed', { reason: `the caller ${what}` })
}
