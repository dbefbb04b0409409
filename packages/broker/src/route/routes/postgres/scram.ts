import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Failure } from '../../../base/failure.ts'

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), with the certificate's hash where the server takes it. */
export interface Scram {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly first: string
  /** Answers the client's last message. Throws when the server's first one is not of this exchange. */
  final(serverFirst: string): Promise<string>
  /** Throws when the server does not know the password either. */
  verify(serverFinal: string): void
}

/** RFC 7677 4. More than this is not a password's cost but somebody who keeps us busy. */
const iterations = { least: 4096, most: 1_000_000 } as const
const stretch = promisify(pbkdf2)

/** `binding`: RFC 5929 4.1 `tls-server-end-point` of the connection. `nonce`: printable, without a comma. */
export function openScram(
  offered: readonly string[],
  { password, nonce, binding }: { password: string; nonce: string; binding: Uint8Array | undefined },
): Scram {
  const plus = binding !== undefined && offered.includes('SCRAM-SHA-256-PLUS')
  const mechanism = plus ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256'
  if (!offered.includes(mechanism)) throw broken('it offers no way to sign in that we take')
  // RFC 5802 6: `y` lets a server that does offer binding see that somebody between us took its offer away.
  const header = plus ? 'p=tls-server-end-point,,' : binding === undefined ? 'n,,' : 'y,,'
  const bare = `n=,r=${nonce}`
  let expected: Buffer | undefined
  return {
    mechanism,
    first: header + bare,
    async final(serverFirst) {
      const found = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,8})$/.exec(serverFirst)
      const [, combined = '', salt = '', count = ''] = found ?? []
      if (!combined.startsWith(nonce) || combined.length <= nonce.length)
        throw broken('its nonce is not ours')
      const rounds = Number(count)
      if (rounds < iterations.least || rounds > iterations.most) throw broken(`it asks for ${count} rounds`)
      const salted = await stretch(password, Buffer.from(salt, 'base64'), rounds, 32, 'sha256')
      const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
      const bound = Buffer.concat([
        Buffer.from(header),
        plus && binding !== undefined ? binding : Buffer.of(),
      ])
      const without = `c=${bound.toString('base64')},r=${combined}`
      const signed = `${bare},${serverFirst},${without}`
      const clientKey = keyed('Client Key')
      const stored = createHash('sha256').update(clientKey).digest()
      const signature = createHmac('sha256', stored).update(signed).digest()
      expected = createHmac('sha256', keyed('Server Key')).update(signed).digest()
      const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))
      return `${without},p=${Buffer.from(proof).toString('base64')}`
    },
    verify(serverFinal) {
      const proof = Buffer.from(/^v=([A-Za-z0-9+/=]+)$/.exec(serverFinal)?.[1] ?? '', 'base64')
      if (expected === undefined || proof.length !== expected.length || !timingSafeEqual(proof, expected))
        throw broken('it does not know the password')
    },
  }
}

function broken(what: string): Failure {
  return new Failure('provider_unavailable', { reason: `PostgreSQL: ${what}` })
}
