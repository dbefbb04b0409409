import type { Claims, Grant } from '../../../domain.ts'
import { digest } from '../token/plain.ts'

/** IAM takes letters of any script, spaces and these in a tag's value, at most 256. */
const taggable = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u

/** What the session of a lease is called in CloudTrail, in policies and in deny rules. */
export interface Session {
  /** RoleSessionName: 2 to 64 of `[\w+=,.@-]`. */
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
}

/** By the tag `mayfly-lease` one lease can be told from all others, also in a deny policy. */
export function sessionOf({ leaseId, principal }: Grant): Session {
  const known = {
    repo: principal.claims['repository'],
    environment: principal.claims['environment'],
    run: runOf(principal.claims),
  }
  const said = Object.entries(known).flatMap(([key, value]) =>
    typeof value === 'string' && value !== '' ? [[key, tagValue(value)] as const] : [],
  )
  return { name: leaseId, tags: { 'mayfly-lease': leaseId, ...Object.fromEntries(said) } }
}

function runOf(claims: Claims): string | undefined {
  const id = claims['run_id']
  return typeof id === 'string' ? id : undefined
}

/** Different values never become one: what IAM would not take is its digest. */
function tagValue(value: string): string {
  return taggable.test(value) ? value : digest(value)
}
