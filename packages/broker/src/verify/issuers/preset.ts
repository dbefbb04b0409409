import type { Claims, Job } from '../../domain.ts'
import type { AlgorithmName } from '../algorithms.ts'

/** Everything that we know about one platform's tokens. */
export interface Preset {
  /** What a configured issuer must look like: anchored, https, no query, no credentials. */
  readonly form: RegExp
  readonly algorithms: readonly AlgorithmName[]
  /** Hosts other than the issuer's that discovery may point to. */
  readonly keyHosts?: readonly string[]
  /** Claims that must be there as text, besides `sub`. Stable ids and whatever tells tenants apart. */
  readonly required: readonly string[]
  /** Claims that, where they are, must be text. */
  readonly text: readonly string[]
  /** `required`: without a `jti` no token. `hash`: the platform has none, so the token's bytes are what is spent. */
  readonly jti: 'required' | 'hash'
  /** The platform gives every relying party the same audience: this one, or the issuer itself. */
  readonly sharedAudience?: string
  /** Seconds from `iat`, and `exp - iat`. */
  readonly maxAge: number
  readonly maxLifetime: number
  /** The claim that holds the path of the repository; absent where the platform has none, or no path of it. */
  readonly repository?: string
  /** The claim that says who started the job; absent where there is none. */
  readonly actor?: string
  readonly job?: (claims: Claims) => Omit<Job, 'issuer'>
  /** What else is wrong, in words; nothing when all is well. */
  readonly check?: (claims: Claims) => string | undefined
}

/** Path segments, no query, no port tricks, no address instead of a name. */
const host = '[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\\.[a-z][a-z0-9-]*[a-z0-9]'

/** An anchored form: `HOST` any name, `SEGMENT` one part of a path. */
export function form(pattern: string): RegExp {
  const source = pattern
    .replaceAll('.', '\\.')
    .replaceAll('HOST', `${host}(:[0-9]{1,5})?`)
    .replaceAll('SEGMENT', '[A-Za-z0-9_{}%-]+')
  return new RegExp(`^https://${source}$`)
}

/** The job of a platform that names it with one claim, and its run with another. */
export function jobFrom(id: string | undefined, run?: string): NonNullable<Preset['job']> {
  return (claims) => ({
    ...named('id', id === undefined ? undefined : claims[id]),
    ...named('run', run === undefined ? undefined : claims[run]),
  })
}

function named(member: 'id' | 'run', value: unknown): { id?: string; run?: string } {
  return typeof value === 'string' && value !== '' && value.length <= 256 ? { [member]: value } : {}
}
