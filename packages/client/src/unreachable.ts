/** Nobody answered. The message names the place and the system's error code, never what was sent. */
export class MayflyUnreachable extends Error {
  override readonly name = 'MayflyUnreachable'
  /** `https://mayfly.example.com` */
  readonly origin: string
  /** `ECONNREFUSED`, `ENOTFOUND`, `timeout`, ... or `unknown`. */
  readonly code: string
  readonly tries: number

  constructor(origin: string, code: string, tries: number) {
    super(`${origin} cannot be reached (${code}; ${tries} ${tries === 1 ? 'try' : 'tries'}).`)
    this.origin = origin
    this.code = code
    this.tries = tries
  }
}

/**
 * The system's code of a failed connection. The message of a foreign error is never passed on: a transport may
 * have put the request into it.
 */
export function networkErrorCode(error: unknown): string {
  for (const each of [error, error instanceof Error ? error.cause : undefined]) {
    if (typeof each !== 'object' || each === null) continue
    if ('name' in each && each.name === 'TimeoutError') return 'timeout'
    if ('code' in each && typeof each.code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(each.code)) {
      return each.code
    }
  }
  return 'unknown'
}
