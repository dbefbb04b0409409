/** What was asked and with which token. Requests that two readers could read in two ways are refused here. */
import type { IncomingMessage } from 'node:http'
import { Secret } from '../../../base/secret.ts'
import { valuesOf } from './fields.ts'
import { hasQueryToken, isHost, isUnencoded, readPlace } from './place.ts'

/** A request that can be carried, as far as its form goes. */
export interface Asked {
  readonly token: Secret | undefined
  /** What is wrong with how the token came; the gate refuses and records it. */
  readonly fault?: string
  readonly host: string
  readonly path: string
  readonly query: string
  /** It names another method beside its own: frameworks follow such a field, or such a parameter. */
  readonly overrides: boolean
}

/** Why it cannot be carried. */
export interface Unfit {
  readonly status: 400 | 501
  readonly unfit: string
}

/**
 * Reads the head of a request from the raw fields: Node's joined view hides what was sent twice. `switching`: it asks for
 * another protocol, which whoever reads it carries.
 */
export function readAsked(request: IncomingMessage, switching = false): Asked | Unfit {
  const fields = request.rawHeaders
  const method = request.method ?? ''
  if (method === 'CONNECT' || method === 'TRACE') return unfit(`${method} is not carried.`, 501)
  if (!switching && valuesOf(fields, 'upgrade').length > 0) return unfit('Upgrades are not carried.', 501)
  const [host, ...otherHosts] = valuesOf(fields, 'host')
  if (host === undefined || otherHosts.length > 0 || !isHost(host)) {
    return unfit('The request must have one valid Host header.')
  }
  const fault = framingFault(request)
  if (fault !== undefined) return unfit(fault)
  const place = readPlace(request.url ?? '', host)
  if ('fault' in place) return unfit(place.fault)
  const { path, query } = place
  return { ...readToken(fields, query), host, path, query, overrides: overridesMethod(fields, query) }
}

function unfit(why: string, status: 400 | 501 = 400): Unfit {
  return { status, unfit: why }
}

/** Node's parser refuses most of these itself; what reaches the upstream must not hang on its mood (RFC 9112 6.3). */
function framingFault(request: IncomingMessage): string | undefined {
  const lengths = valuesOf(request.rawHeaders, 'content-length')
  const encodings = valuesOf(request.rawHeaders, 'transfer-encoding')
  if (lengths.length > 1 || lengths.some((length) => !/^[0-9]{1,15}$/.test(length))) {
    return 'The length of the request is not clear.'
  }
  if (encodings.length === 0) return undefined
  if (lengths.length > 0) return 'The request has a length and a transfer encoding.'
  if (request.httpVersion !== '1.1') return 'Transfer encodings need HTTP/1.1.'
  return encodings.length > 1 || encodings[0]?.toLowerCase() !== 'chunked'
    ? 'The only transfer encoding that is accepted is chunked.'
    : undefined
}

const overriding = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const

const lengths: ReadonlySet<number> = new Set(overriding.map(({ length }) => length))

/** `X_HTTP_Method_Override` too, as in `fields.ts`. */
function overridesMethod(fields: readonly string[], query: string): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (lengths.has(name.length) && isOneOf(overriding, name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')))
      return true
  }
  if (query === '' || (isUnencoded(query) && !/method/i.test(query))) return false
  const parameters = [...new URLSearchParams(query).keys()].map((name) => name.toLowerCase())
  return parameters.some((name) => name === '_method' || isOneOf(overriding, name))
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}

/** One token in one place (RFC 6750 2). Another scheme than Bearer is no token of ours. */
function readToken(fields: readonly string[], query: string): Pick<Asked, 'token' | 'fault'> {
  const fault = (text: string) => ({ token: undefined, fault: text })
  if (hasQueryToken(query)) {
    return fault('A token in the query is not accepted; send it in the Authorization header.')
  }
  const [header, ...others] = valuesOf(fields, 'authorization')
  if (others.length > 0) return fault('The request has several Authorization headers.')
  if (header === undefined) return { token: undefined }
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1]
  if (token === undefined && !/^bearer(?![^ ])/i.test(header)) return { token: undefined }
  if (token === undefined) return fault('The Authorization header does not hold one bearer token.')
  return { token: new Secret(token) }
}
