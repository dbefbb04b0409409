/** Cookies by which the route knows people; they are between it and browsers. */
export const sessionCookie = '__Host-mayfly'

/** Cookies without ours; nothing where no other is left. */
export function withoutOurs(value: string): string {
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !isOurs(pair))
    .join('; ')
}

/** Of a cookie, or of a Set-Cookie, which browsers read without regard to case since they know the prefix. */
export function isOurs(pair: string): boolean {
  return pair.trimStart().toLowerCase().startsWith(sessionCookie.toLowerCase())
}
