import { isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'
import type { Secret } from '../../../base/secret.ts'

/** An account or a role on the hosts. No comma: `ssh-keygen` separates by it. No wildcard: each name is meant itself. */
const principal = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._@:/+-]{0,127}$/, 'not a principal: letters, digits and ._@:/+- only')

/** Names without `@` are OpenSSH's (PROTOCOL.certkeys); others carry the domain of whoever defined them. */
const extension = z.union([
  z.enum([
    'permit-agent-forwarding',
    'permit-port-forwarding',
    'permit-pty',
    'permit-user-rc',
    'permit-X11-forwarding',
  ]),
  z.string().regex(/^[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,128}$/, 'not an extension that OpenSSH knows'),
])

const visible = (longest: number) =>
  z.string().regex(new RegExp(`^[^\\u0000-\\u001f\\u007f]{1,${longest}}$`), 'holds control characters')

const network = z.string().refine(isNetwork, 'not an address or a network such as 10.1.0.0/16')

/** The settings of an `ssh` target in a policy: `ssh: { authority: production, principals: [deploy] }`. */
export const sshSettings = z.strictObject({
  authority: z.string().describe('Name of the connection whose key signs'),
  // A certificate without principals would be good for every account.
  principals: z
    .array(principal)
    .min(1)
    .max(32)
    .describe('Accounts or roles that the certificate is good for'),
  extensions: z
    .union([z.array(extension).max(32), z.record(extension, z.union([z.literal(''), visible(256)]))])
    .optional()
    .describe('What it allows beside running a command; none when absent'),
  source_address: z
    .union([network.transform((one) => [one]), z.array(network).min(1).max(64)])
    .optional()
    .describe('Addresses and networks that it may be used from'),
  force_command: visible(2048).optional().describe('The one command that it can run'),
})

export type SshSettings = z.infer<typeof sshSettings>

/** One connection `ssh.<authority>` of `mayfly.yaml`. */
export const sshConnection = z.strictObject({
  private_key: secretReference.describe(
    "The authority's private key: OpenSSH or PEM, Ed25519, ECDSA P-256 or RSA, without a passphrase",
  ),
  public_key: z
    .string()
    .regex(
      /^\s*(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/]{40,}={0,2}( [^\r\n]*)?\s*$/,
      'not the line of a .pub file: Ed25519, ECDSA P-256 or RSA',
    )
    .describe('Its public key as a line, the one that hosts trust (`TrustedUserCAKeys`)'),
  krl: z.boolean().default(true).describe('Whether `/ssh/NAME/krl` lists the certificates that ended early'),
})

/** The same with its secret in place. */
export interface SshConnection {
  readonly private_key: Secret
  readonly public_key: string
  readonly krl: boolean
}

/** What `sshd` takes: an address, or a network whose host bits are zero; it refuses a certificate with another. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  const bits = bitsOf(address)
  if (bits === undefined || more.length > 0) return false
  if (prefix === undefined) return true
  const length = /^(0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : Number.NaN
  return length <= bits.length && !bits.slice(length).includes('1')
}

function bitsOf(address: string): string | undefined {
  const binary = (words: readonly number[], width: number) =>
    words.map((word) => word.toString(2).padStart(width, '0')).join('')
  if (isIPv4(address)) return binary(address.split('.').map(Number), 8)
  if (!isIPv6(address) || !/^[0-9a-fA-F:]+$/.test(address)) return undefined
  const [head = [], tail] = address
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((word) => Number.parseInt(word, 16))))
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length
  return binary([...head, ...Array.from({ length: zeros }, () => 0), ...(tail ?? [])], 16)
}
