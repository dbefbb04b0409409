/**
 * What callers chose freely, fit for the record: words stay, and what could be a secret does not. Nobody can tell a short
 * secret from a name, so values are never kept; this is about the names and paths around them.
 */
import { isSecretName, withoutSecrets } from '../base/scrub.ts'

/** Stands for what is not kept. */
const redacted = '[redacted]'
/** Names are words; what is longer is cut. */
const longestName = 64

/** Parts of a path whose next part is what its sender is known by, beside `isSecretName`. */
const beforeSecrets = /(reset|invite|invitation|magic|otp|code|signature|key|hook|webhook)$/

/** A name, or what is there in its place. */
export function redactedName(name: string): string {
  if (looksSecret(name)) return redacted
  return name.length > longestName ? `${name.slice(0, longestName)}[cut]` : name
}

/** A path (RFC 3986 6.2.2) in its normal form, without parts that could be secrets and without values of parameters. */
export function redactedPath(path: string): string {
  let isAfterName = false
  return path
    .split('/')
    .map((part) => {
      const [name = '', ...parameters] = normal(part).split(';')
      const shown = (isAfterName && name !== '') || looksSecret(decoded(name)) ? redacted : name
      const single = decoded(name).toLowerCase().replace(/s$/, '')
      isAfterName = isSecretName(single) || beforeSecrets.test(single)
      return [shown, ...parameters.map(parameterName)].join(';')
    })
    .join('/')
}

/** Names of the parameters of a query, which starts with its question mark or is empty. */
export function queryNames(query: string): readonly string[] {
  if (query.length < 2) return []
  return query
    .slice(1)
    .split(/[&;]/)
    .map((pair) => {
      const [name = '', value] = pair.split('=', 2)
      const word = decoded(name.replaceAll('+', ' '))
      // Alone it may be a value as well as a name.
      return value === undefined && !/^[a-z][a-z_.-]{0,30}$/i.test(word) ? redacted : redactedName(word)
    })
}

/** Long, and not made of words: tokens, keys and hashes. UUIDs are ids. */
function looksSecret(word: string): boolean {
  if (word.length < 12 || uuid.test(word)) return false
  if (withoutSecrets(word) !== word) return true
  return word.split(/[^A-Za-z0-9]+/).some(isRandom)
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function isRandom(piece: string): boolean {
  const [digits, lower, upper] = [/[0-9]/, /[a-z]/, /[A-Z]/].map((kind) => kind.test(piece))
  if (piece.length >= 14 && digits && (lower || upper)) return true
  // `createSubscriptionForCustomer` is a name: its capitals begin words.
  return piece.length >= 20 && lower && upper ? /[A-Z]{3}|^[^aeiou]+$/.test(piece) : piece.length >= 40
}

function parameterName(parameter: string): string {
  const [name = '', value] = parameter.split('=', 2)
  return value === undefined ? redactedName(name) : `${redactedName(name)}=${redacted}`
}

/** RFC 3986 6.2.2.2: what need not be encoded is not, and hexadecimal digits are capitals. */
function normal(part: string): string {
  return part.replaceAll(/%[0-9a-f]{2}/gi, (encoded) => {
    const letter = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : encoded.toUpperCase()
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
