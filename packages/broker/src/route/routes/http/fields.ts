/** Header fields on their way through (RFC 9110 7.6), as flat lists of names and values. */
import type { Admitted } from '../../route.ts'
import type { Injected } from './injected.ts'
import { isOurs as isOurCookie, withoutOurs } from './own-cookies.ts'

/** RFC 9110 7.6.1, and what others still send; these belong to one connection, never to the message. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
])

/** Pairs of a flat list. */
export function* pairs(flat: readonly string[]): Generator<readonly [name: string, value: string]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i] ?? '', flat[i + 1] ?? '']
}

/** Every value of a field, in order. */
export function valuesOf(flat: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const each = flat[i] ?? ''
    if (each.length !== name.length || each.toLowerCase() !== name) continue
    values ??= []
    values.push(flat[i + 1] ?? '')
  }
  return values ?? none
}

const none: readonly string[] = []

/** Fields that the Connection field names, which end here (RFC 9110 7.6.1). */
function nominated(flat: readonly string[]): ReadonlySet<string> | undefined {
  const said = valuesOf(flat, 'connection')
  // What most say names nothing that is not known to end here.
  if (said.length === 0 || (said.length === 1 && said[0] === 'keep-alive')) return undefined
  const lower = said.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase())
  // The length frames the message: whoever names it here must not make two readers see different ends.
  return new Set(lower.filter((name) => name !== 'content-length'))
}

/** `first`, then what belongs to the message and not to one connection, without what `drops` says. */
function kept(
  flat: readonly string[],
  drops: (name: string) => boolean,
  first: readonly string[] = none,
): string[] {
  const ended = nominated(flat)
  const fields = [...first]
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? ''
    if (drops(name) || ended?.has(name.toLowerCase()) === true) continue
    fields.push(name, flat[i + 1] ?? '')
  }
  return fields
}

function endsHere(name: string): boolean {
  return hopByHop.has(name.toLowerCase())
}

/** Without what belongs to one connection. */
export function endToEnd(flat: readonly string[]): string[] {
  return kept(flat, endsHere)
}

/**
 * What only we may say to the upstream, what steers other proxies, and what is meant for us alone. CGI and its
 * heirs turn whatever is no letter or digit into `_`: `X_Mayfly_Subject` and `X.Mayfly.Subject` are look-alikes
 * too, and `Proxy` becomes the variable HTTP_PROXY (CVE-2016-5385).
 */
function isOurs(name: string): boolean {
  const plain = plainName(name)
  return /^(?:x-forwarded(?:-.*)?|forwarded|x-mayfly(?:-.*)?|proxy(?:-.*)?|authorization|host|via|expect|content-length|transfer-encoding|x-real-ip|x-original-url|x-rewrite-url)$/.test(
    plain,
  )
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

const dropsForUpstream = remembered((name) => endsHere(name) || isOurs(name))
const dropsForCaller = remembered((name) => endsHere(name) || name.toLowerCase() === 'via')

/** The same answers, most of them from memory: names are few, except where somebody means harm. */
function remembered(drops: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const answer = drops(name)
    if (name.length <= 64 && known.size < 1000) known.set(name, answer)
    return answer
  }
}

export interface Passage {
  /** Fields of the request as received. */
  readonly received: readonly string[]
  readonly method: string
  readonly admitted: Admitted
  readonly remoteAddress: string
  readonly host: string
  readonly upstreamHost: string
  readonly httpVersion: string
  /** How the caller speaks to us. */
  readonly scheme: 'http' | 'https'
  /** Cookies of ours are taken out. */
  readonly ownCookies?: boolean | undefined
  readonly injected?: Injected | undefined
  readonly assertion?: string | undefined
}

/** The fields of the request to the upstream. */
export function fieldsForUpstream(passage: Passage): string[] {
  const { received, admitted } = passage
  const { injected, assertion } = passage
  const hides = injected?.hides
  const drops =
    hides === undefined
      ? dropsForUpstream
      : (name: string) => dropsForUpstream(name) || hides(plainName(name))
  const fields = kept(received, drops, ['Host', passage.upstreamHost])
  if (passage.ownCookies === true) hideCookies(fields)
  fields.push(...framing(passage))
  fields.push('X-Mayfly-Subject', visible(admitted.subject), 'X-Mayfly-Lease', visible(admitted.leaseId))
  if (admitted.actor !== undefined) fields.push('X-Mayfly-Actor', visible(admitted.actor))
  fields.push('X-Mayfly-Scope', admitted.scopes.map(visible).join(' '))
  fields.push('X-Forwarded-For', passage.remoteAddress, 'X-Forwarded-Proto', passage.scheme)
  if (injected !== undefined) fields.push(...injected.fields)
  if (assertion !== undefined) fields.push('X-Mayfly-Assertion', assertion)
  fields.push('X-Forwarded-Host', passage.host, 'Via', viaAfter(received, passage.httpVersion))
  return fields
}

/** The fields of the answer to the caller; `more` are added as they are. */
export function fieldsForCaller(
  received: readonly string[],
  httpVersion: string,
  more: readonly string[] = none,
  ownCookies = false,
): string[] {
  const fields = ownCookies
    ? withoutOurCookies(kept(received, dropsForCaller))
    : kept(received, dropsForCaller)
  fields.push('Via', viaAfter(received, httpVersion), ...more)
  return fields
}

/** The upstream must not be able to sign in with what it sees. */
function hideCookies(fields: string[]): void {
  for (let at = fields.length - 2; at >= 0; at -= 2) {
    if (fields[at]?.toLowerCase() !== 'cookie') continue
    const left = withoutOurs(fields[at + 1] ?? '')
    if (left === '') fields.splice(at, 2)
    else fields[at + 1] = left
  }
}

/** Nor to put somebody else's session in the place of one. */
function withoutOurCookies(fields: readonly string[]): string[] {
  return [...pairs(fields)].flatMap(([name, value]) =>
    name.toLowerCase() === 'set-cookie' && isOurCookie(value) ? [] : [name, value],
  )
}

function viaAfter(received: readonly string[], httpVersion: string): string {
  const before = valuesOf(received, 'via')
  return before.length === 0 ? via(httpVersion) : [...before, via(httpVersion)].join(', ')
}

/** RFC 9110 7.6.3; a pseudonym instead of our host. */
function via(httpVersion: string): string {
  return `${httpVersion} mayfly`
}

/** True when a body follows, however long. */
export function hasBody(received: readonly string[]): boolean {
  return (
    valuesOf(received, 'transfer-encoding').length > 0 ||
    Number(valuesOf(received, 'content-length')[0] ?? 0) > 0
  )
}

/** How the body is delimited is said by us, in one way only (RFC 9112 6.1). */
function framing({ received, method }: Passage): readonly string[] {
  if (valuesOf(received, 'transfer-encoding').length > 0) return ['Transfer-Encoding', 'chunked']
  const [length] = valuesOf(received, 'content-length')
  if (length !== undefined) return ['Content-Length', length]
  return ['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method) ? [] : ['Content-Length', '0']
}

/** Percent-encodes what a field cannot hold, and the percent sign, so that no two values read the same. */
function visible(text: string): string {
  if (/^[\x21-\x24\x26-\x7e]*$/.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/[^\x21-\x24\x26-\x7e]/gu, (character) =>
      character === ' ' ? '%20' : encodeURIComponent(character),
    )
}
