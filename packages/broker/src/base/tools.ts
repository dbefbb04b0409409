/** What a structured log can do; fields never hold secrets (a `Secret` prints its fingerprint). */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Effects arrive as parameters, so that tests need no mocks. */
export interface Tools {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly randomBytes: (size: number) => Uint8Array
  readonly log: Log
  /** Calls `run` after `ms`; the answer cancels. Never keeps the process alive. */
  readonly after: (ms: number, run: () => void) => () => void
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
