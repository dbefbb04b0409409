import { Failure } from '../../../base/failure.ts'
import type { Injection } from '../../settings.ts'

/** What a route says to its upstream beside the caller's request. */
export interface Injected {
  /** A flat list. */
  readonly fields: readonly string[]
  /** Which of the caller's fields do not pass: names in lower case, every other sign a hyphen. */
  readonly hides: (name: string) => boolean
}

/** What is said to one origin. */
export type InjectedAt = (origin: URL) => Injected

/** Throws `Failure('internal')` for a secret that no field can hold, before anybody listens. */
export function injectedBy(injection: Injection): Injected | undefined {
  const field = fieldOf(injection)
  if (field === undefined) return undefined
  const [name, value] = field
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value))
    throw new Failure('internal', { reason: '`inject` holds what no field of HTTP can: visible ASCII alone' })
  const own = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
  return { fields: [name, value], hides: (each) => each === own }
}

/** `undefined`: what goes in is made by each lease. */
function fieldOf(injection: Injection): readonly [name: string, value: string] | undefined {
  if ('github_app' in injection || 'aws_sigv4' in injection) return undefined
  if ('bearer' in injection) return ['Authorization', `Bearer ${injection.bearer.reveal()}`]
  if ('header' in injection) return [injection.header.name, injection.header.value.reveal()]
  const { user, password } = injection.basic
  return ['Authorization', `Basic ${Buffer.from(`${user}:${password.reveal()}`).toString('base64')}`]
}
