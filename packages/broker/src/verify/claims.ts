import type { Json } from '../base/canonical-json.ts'
import type { Compact } from './compact.ts'

/** What a token is measured against. Times are seconds. */
export interface Expected {
  readonly issuer: string
  readonly audience: string
  /** Another name of ours: as good as `audience`. */
  readonly alias?: string
  /** A type that the token may have beside the usual one, in lower case. */
  readonly type?: string
  readonly now: number
  readonly maxAge: number
  readonly maxLifetime: number
  /** Claims that must be there as text that is not empty, besides `sub`. */
  readonly required: readonly string[]
  /** Claims that, where they are, must be text. */
  readonly text: readonly string[]
}

/** How far clocks may be apart. */
export const leeway = 60

const longest = { sub: 1024, jti: 256 } as const

type Check = (token: Compact, expected: Expected) => string | undefined

/** Every check of a platform's token beside its signature, in order; each says what is wrong, or nothing. */
const checks: readonly Check[] = [
  // RFC 8725 3.11: our own tokens and others with a type of their own are no identity tokens.
  ({ typ = 'JWT' }, { type = 'jwt' }) =>
    ['jwt', type].includes(typ.toLowerCase()) ? undefined : 'a token of another type',
  // RFC 8725 3.8: character by character; no prefix, no slash, no case.
  ({ claims }, { issuer }) => (claims['iss'] === issuer ? undefined : 'another issuer'),
  ({ claims }, { audience, alias }) => checkAudience(claims['aud'], audience, alias),
  ({ claims }) => checkTimes(claims['exp'], claims['iat'], claims['nbf']),
  ({ claims }, expected) => checkWindow(claims, expected),
  // A logout token may name the session alone (Back-Channel Logout 2.4).
  ({ claims }, { type }) =>
    type === 'logout+jwt' && claims['sub'] === undefined
      ? undefined
      : checkText(claims['sub'], 'sub', longest.sub),
  ({ claims }) => (claims['jti'] === undefined ? undefined : checkText(claims['jti'], 'jti', longest.jti)),
  ({ claims }, { required }) => {
    const missing = required.find((name) => typeof claims[name] !== 'string' || claims[name] === '')
    return missing === undefined ? undefined : `no ${missing}`
  },
  ({ claims }, { text }) => {
    const wrong = text.find((name) => claims[name] !== undefined && typeof claims[name] !== 'string')
    return wrong === undefined ? undefined : `${wrong} is not text`
  },
]

/** The first thing that is wrong with the claims, without any value of them; `undefined` when nothing is. */
export function claimsFault(token: Compact, expected: Expected): string | undefined {
  for (const check of checks) {
    const fault = check(token, expected)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Exactly one recipient, and that is us: whoever shares a token with us could present it here. */
function checkAudience(audience: Json | undefined, ours: string, alias = ours): string | undefined {
  const all = Array.isArray(audience) ? audience : [audience]
  if (all.length !== 1) return 'not exactly one audience'
  return all[0] === ours || all[0] === alias ? undefined : 'another audience'
}

function checkTimes(...times: readonly (Json | undefined)[]): string | undefined {
  const [exp, iat, nbf] = times
  if (!isTime(exp) || !isTime(iat)) return 'no exp or iat that is a whole number'
  return nbf === undefined || isTime(nbf) ? undefined : 'an nbf that is not a whole number'
}

function isTime(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** `nbf` before `iat` is usual (GitHub: five minutes) and means nothing. */
function checkWindow(claims: Compact['claims'], expected: Expected): string | undefined {
  const [exp, iat, nbf] = [Number(claims['exp']), Number(claims['iat']), Number(claims['nbf'] ?? 0)]
  const { now, maxAge, maxLifetime } = expected
  if (exp <= iat || exp - iat > maxLifetime) return 'a lifetime that is too long, or none'
  if (nbf >= exp) return 'valid at no time'
  if (now >= exp + leeway) return 'expired'
  if (now < nbf - leeway) return 'not valid yet'
  if (iat > now + leeway) return 'issued in the future'
  return now > iat + maxAge + leeway ? 'issued too long ago' : undefined
}

function checkText(value: Json | undefined, name: string, most: number): string | undefined {
  if (typeof value !== 'string' || value === '') return `no ${name}`
  return value.length > most ? `${name} is too long` : undefined
}
