/**
 * What callers chose freely, fit for the record: words stay, and what could be a secret does not. Nobody can tell a short
 * secret from a name, so values are never kept; this is about the names and paths around them.
 */
import { isSecretName, withoutSecrets } from '../base/scrub.ts'

/** Stands for what is not kept. */
const redacted = '[redacted]'
/** Names are words; what is longer is cut. */
const longestName = 64
const mostNames = 63

/** Parts of a path whose next part is what its sender is known by, beside `isSecretName`. */
const beforeSecrets = /(reset|invite|invitation|magic|otp|code|signature|key|hook|webhook)$/

/** A name, or what is there in its place. */
export function redactedName(name: string): string {
  if (looksSecret(name)) return redacted
  return name.length > longestName ? `${name.slice(0, longestName)}[cut]` : name
}

/** The first names, and how many there are where there are more than an entry keeps. */
export function redactedNames(names: readonly string[]): readonly string[] {
  const shown = names.slice(0, mostNames).map(redactedName)
  return names.length > mostNames ? [...shown, `[cut: ${names.length} names]`] : shown
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
  const names = query
    .slice(1)
    .split(/[&;]/)
    .map((pair) => {
      const [name = '', value] = pair.split('=', 2)
      const word = decoded(name.replaceAll('+', ' '))
      // Alone it may be a value as well as a name.
      return value === undefined && !/^[a-z][a-z_.-]{0,30}$/i.test(word) ? redacted : word
    })
  return redactedNames(names)
}

/** Long, and not made of words: tokens, keys and hashes. UUIDs are ids. */
function looksSecret(word: string): boolean {
  if (word.length < 12 || uuid.test(word)) return false
  if (withoutSecrets(word) !== word) return true
  const pieces = word.split(/[^A-Za-z0-9]+/).filter((piece) => !isWord(piece))
  if (pieces.some(isKey)) return true
  // base64url has separators of its own.
  return word.length >= 20 && pieces.reduce((sum, { length }) => sum + length, 0) >= 6
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** `orders`, `Orders`, `ordersOfToday`, `ORDERS2`, `2026`. */
const wordLike = /^(?:[0-9]*|(?:[A-Z]+|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*)[0-9]{0,4})$/

/** Long enough to be one where its parts are no words. */
function isKey(piece: string): boolean {
  return piece.length >= 20 || (piece.length >= 14 && /[0-9]/.test(piece))
}

/** Whether somebody may have chosen it to be read: its capitals begin words, and words are not short and can be said. */
function isWord(piece: string): boolean {
  if (!wordLike.test(piece) || piece.length >= 40) return false
  const parts = piece.match(/[A-Z]?[a-z]+|[A-Z]+/g) ?? []
  const letters = parts.reduce((sum, { length }) => sum + length, 0)
  return letters >= 3 * parts.length - 2 && parts.every((part) => part.length < 6 || /[aeiouy]/i.test(part))
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
