/** Trailer fields on their way through (RFC 9110 6.5). */
import { pairs, valuesOf } from './fields.ts'

/**
 * What frames, routes, authenticates, caches or names somebody must stand where everybody reads it, before the body
 * (6.5.1); and what only we may say is said by nobody else.
 */
const never =
  /^(?:content-.*|transfer-.*|x-mayfly.*|x-forwarded.*|forwarded|proxy.*|authorization|www-authenticate|authentication-info|cookie|set-cookie|host|via|te|trailer|connection|keep-alive|upgrade|expect|max-forwards|range|if-.*|cache-control|age|date|expires|location|retry-after|vary|warning|pragma|x-real-ip|x-original-url|x-rewrite-url|x-http-method.*|x-method-override)$/

/** Those that may go on. `hides`: a field that the route itself puts in, as `Injected.hides`. */
export function trailersOnward(
  received: readonly string[],
  hides: (name: string) => boolean = () => false,
): [name: string, value: string][] {
  return [...pairs(received)].flatMap(([name, value]): [string, string][] => {
    const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
    return never.test(plain) || hides(plain) ? [] : [[name, value]]
  })
}

/** 6.5.1: only whoever says so is known to read them. */
export function readsTrailers(fields: readonly string[]): boolean {
  return valuesOf(fields, 'te').some((value) => /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value))
}
