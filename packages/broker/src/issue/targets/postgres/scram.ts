import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

const iterations = 4096

/**
 * What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803 and RFC 7677). Sent instead of the password, so that it
 * stands in no log of the server. The password is ASCII: SASLprep would leave it as it is.
 */
export function scramVerifier(password: string, salt: Uint8Array): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64')
  const salt64 = Buffer.from(salt).toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt64}$${storedKey}:${keyed('Server Key').toString('base64')}`
}
