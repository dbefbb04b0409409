/**
 * base: the small things every room needs (secrets, failures, tools, encodings).
 * It imports nothing of ours, knows no protocol and does no I/O. Every room may call it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * A value that must never be printed. Every way of turning it into text gives its fingerprint;
 * `reveal()` is the only way out and is allowed in targets, routes and the token response alone
 * (`test/architecture.test.ts` checks who calls it).
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. */
  reveal(): string {
    return this.#value
  }

  /** First 12 hex digits of SHA-256: enough to recognise, useless to use. */
  fingerprint(): string {
    return `sha256:${createHash('sha256').update(this.#value).digest('hex').slice(0, 12)}`
  }

  /** Compares in constant time; lengths may leak, contents do not. */
  equals(other: string): boolean {
    const mine = createHash('sha256').update(this.#value).digest()
    const theirs = createHash('sha256').update(other).digest()
    return timingSafeEqual(mine, theirs)
  }

  toString(): string {
    return `[secret ${this.fingerprint()}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect](): string {
    return this.toString()
  }
}
