/**
 * The cookies of people who are signed in. `__Host-`: over TLS, for this host alone, and no subdomain can set one (RFC 6265bis
 * 4.1.3.2); pages cannot read them, and other sites cannot send them along but by a link.
 */
import { valuesOf } from '../fields.ts'

const keptPrefix = '__Host-mayfly-sign-in-'
/** Tabs in which somebody may be signing in at once. */
const mostKept = 4

/** The cookie of one sign-in that is under way. */
export function keptCookie(tag: string): string {
  return keptPrefix + tag
}

/** Fields that take away what is under way already, where that is too much for one browser. */
export function withoutOlder(fields: readonly string[]): readonly (readonly [string, string])[] {
  const names = valuesOf(fields, 'cookie')
    .flatMap((value) => value.split(';'))
    .map((pair) => pair.trim().split('=')[0] ?? '')
    .filter((name) => /^__Host-mayfly-sign-in-[A-Za-z0-9_-]{8}$/.test(name))
  return names.length < mostKept ? [] : names.map((name) => setCookie(name, '', 0))
}

/** RFC 6265 5.4 says one field and does not forbid several; HTTP/2 cuts it (RFC 9113 8.2.3). */
export function cookieOf(fields: readonly string[], name: string): string | undefined | 'several' {
  const found = valuesOf(fields, 'cookie')
    .flatMap((value) => value.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  if (found.length > 1) return 'several'
  return found[0]?.slice(name.length + 1)
}

/** A field `Set-Cookie`; zero seconds take the cookie away. */
export function setCookie(name: string, value: string, seconds: number): readonly [string, string] {
  return [
    'Set-Cookie',
    `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=${Math.max(0, seconds)}`,
  ]
}
