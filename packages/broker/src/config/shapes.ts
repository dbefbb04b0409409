import type { Path } from './document.ts'

/** Guessing is the only attack on a shared secret (RFC 6749 2.3.1), and length is what stops it. */
const shortest = 16

const shared = ['webhooks.github.secret', 'audit.reader', 'introspection.*.secret', 'approvals.secret']

/** What is wrong with the shape of the secret for a path; never says the secret. */
export function shapeFault(path: Path, secret: string): string | undefined {
  const place = path.map((step) => (typeof step === 'number' ? '*' : String(step))).join('.')
  if (!shared.includes(place)) return undefined
  if (secret.length < shortest) {
    return `this secret is shorter than ${shortest} characters; make one with: openssl rand -base64 32`
  }
  // RFC 6750 2.1: what a bearer may be made of.
  if (place === 'audit.reader' && !/^[A-Za-z0-9._~+/-]+=*$/.test(secret)) {
    return 'this secret is sent as a bearer token; letters, digits and ._~+/- only'
  }
  return undefined
}
