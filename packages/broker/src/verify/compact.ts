import { isUtf8 } from 'node:buffer'
import { type JsonObject, parseStrictObject } from '../base/strict-json.ts'

/** Longest token, longest `kid`. Real tokens have 1 to 3 kB. */
export const tokenLimit = 8192
const kidLimit = 128

/** A compact JWS (RFC 7515 3.1) in its one canonical spelling. Nothing of it is verified yet. */
export interface Compact {
  readonly algorithm: string
  readonly kid: string
  readonly typ: string | undefined
  readonly claims: JsonObject
  /** What was signed: header and payload with the dot between. */
  readonly signed: Buffer
  readonly signature: Buffer
}

/** `x5t` is what GitHub sends; it names a certificate and decides nothing. */
const knownHeaders = new Set(['alg', 'kid', 'typ', 'x5t', 'x5t#S256'])

const form = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** Parses strictly. Throws `TypeError` with the reason, never with a part of the token. */
export function parseCompact(token: string): Compact {
  if (token.length > tokenLimit) throw new TypeError('longer than any token')
  try {
    return takenApart(token)
  } catch (thrown) {
    // Searching a good token for strange letters costs more than all that is done to it here.
    throw form.test(token) ? thrown : new TypeError('not a compact JWS')
  }
}

function takenApart(token: string): Compact {
  // Node's decoder looks at the low half of a character alone: U+0165 would be read as `e`.
  if (Buffer.byteLength(token) !== token.length) throw new TypeError('not ASCII')
  // Counts before anything is decoded (RFC 8725bis 3.14); letters are seen to in each part.
  const [first, second] = [token.indexOf('.'), token.lastIndexOf('.')]
  const last = token.length - 1
  if (first < 1 || second === last || token.indexOf('.', first + 1) !== second)
    throw new TypeError('not three parts')
  return {
    ...headerOf(token.slice(0, first)),
    claims: parsePart(token.slice(first + 1, second)),
    signed: Buffer.from(token.slice(0, second), 'latin1'),
    signature: decodeCanonical(token.slice(second + 1)),
  }
}

type Header = Pick<Compact, 'algorithm' | 'kid' | 'typ'>

/** Headers that were read before, by their one spelling: all tokens of one key of an issuer have the same. */
const headers = new Map<string, Header>()
const mostHeaders = 64

function headerOf(part: string): Header {
  const known = headers.get(part)
  if (known !== undefined) return known
  const header = readHeader(part)
  // Anybody may send headers of his own: then they are read anew, and memory stays what it is.
  if (headers.size >= mostHeaders) headers.clear()
  headers.set(part, header)
  return header
}

function readHeader(part: string): Header {
  const header = parsePart(part)
  for (const name in header) {
    // `jwk`, `jku`, `x5u`, `x5c` would let the token bring its own key; `crit`, `b64`, `cty` change what it is.
    if (!knownHeaders.has(name)) throw new TypeError('a header parameter that no token of ours may have')
  }
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') throw new TypeError('no algorithm')
  if (typeof kid !== 'string' || kid === '' || kid.length > kidLimit) throw new TypeError('no key named')
  if (typ !== undefined && typeof typ !== 'string') throw new TypeError('a type that is not text')
  return { algorithm: alg, kid, typ }
}

function parsePart(part: string): JsonObject {
  const bytes = decodeCanonical(part)
  if (!isUtf8(bytes)) throw new TypeError('not UTF-8')
  return parseStrictObject(bytes.toString('utf8'))
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * base64url without padding (RFC 7515 2) in the only spelling that encodes these bytes: nothing but its own letters, and
 * the unused bits of the last one are zero. Otherwise one token would have many texts.
 */
function decodeCanonical(part: string): Buffer {
  const over = part.length % 4
  const last = alphabet.indexOf(part.charAt(part.length - 1))
  if (over === 1 || (over === 2 && (last & 15) !== 0) || (over === 3 && (last & 3) !== 0)) {
    throw new TypeError('base64url that is not canonical')
  }
  const bytes = Buffer.from(part, 'base64url')
  // Node takes both alphabets, and steps over what is in neither: then the bytes are fewer than the letters say.
  if (bytes.length !== Math.floor((part.length * 3) / 4) || part.includes('+') || part.includes('/'))
    throw new TypeError('letters that base64url does not have')
  return bytes
}

/** The `iss` of a token that nobody has verified: only to choose who verifies it. */
export function unverifiedIssuer(compact: Compact): string | undefined {
  const { iss } = compact.claims
  return typeof iss === 'string' ? iss : undefined
}
