import { Failure } from '../../../base/failure.ts'
import type { Injection } from '../../settings.ts'

/** What a route says to its upstream beside the caller's request. */
export interface Injected {
  /** A flat list. */
  readonly fields: readonly string[]
  /** The caller's fields of this name, in lower case and with every other sign a hyphen, do not pass. */
  readonly hides: string
}

/** Throws `Failure('internal')` for a secret that no field can hold, before anybody listens. */
export function injectedBy(injection: Injection): Injected {
  const [name, value] = fieldOf(injection)
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value))
    throw new Failure('internal', { reason: '`inject` holds what no field of HTTP can: visible ASCII alone' })
  return { fields: [name, value], hides: name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-') }
}

function fieldOf(injection: Injection): readonly [name: string, value: string] {
  if ('bearer' in injection) return ['Authorization', `Bearer ${injection.bearer.reveal()}`]
  if ('header' in injection) return [injection.header.name, injection.header.value.reveal()]
  const { user, password } = injection.basic
  return ['Authorization', `Basic ${Buffer.from(`${user}:${password.reveal()}`).toString('base64')}`]
}
