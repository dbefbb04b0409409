import type { Claims, Principal } from '../../../domain.ts'
import { digest, digestSize, plain } from './plain.ts'

/** Clouds take no longer subject (docs/decisions/0003). */
const limit = 127
const digits = /^[0-9]{1,20}$/

/**
 * The stable id of a workload, for `sub`: ASCII, at most 127 bytes, made of ids that cannot be registered again.
 *
 * - GitHub: `github:repository_id:40211:environment:production`, or `:ref:refs/heads/main` where the job has no
 *   environment. `github` is the issuer's name in our configuration. Environments and refs have no id, so their
 *   names stand there, within the repository's id.
 * - Others, and GitHub tokens without these claims: `name:sub:` and the digest of the token's `sub`.
 *
 * Two different workloads never share one. `plain` leaves no colon in a part, so that parts cannot shift.
 */
export function workloadSubject(principal: Principal, github: ReadonlySet<string>): string {
  const issuer = plain(principal.issuer, digestSize)
  const repository = github.has(principal.issuer) ? repositorySubject(issuer, principal.claims) : undefined
  return repository ?? `${issuer}:sub:${digest(principal.subject)}`
}

function repositorySubject(issuer: string, claims: Claims): string | undefined {
  const id = digitsOf(claims, 'repository_id')
  const context = ['environment', 'ref'].find((name) => textOf(claims, name) !== undefined)
  if (id === undefined || context === undefined) return undefined
  const head = `${issuer}:repository_id:${id}:${context}:`
  const room = limit - head.length
  // Only an issuer with a very long name leaves no room for a digest.
  return room < digestSize ? undefined : head + plain(textOf(claims, context) ?? '', room)
}

/** A claim that is an id: digits, as text. */
export function digitsOf(claims: Claims, name: string): string | undefined {
  const value = claims[name]
  return typeof value === 'string' && digits.test(value) ? value : undefined
}

/** A claim that is a text with something in it. */
export function textOf(claims: Claims, name: string): string | undefined {
  const value = claims[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}
