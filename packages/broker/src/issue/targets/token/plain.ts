import { hash } from 'node:crypto'

/** What stays as it is: no white space, quote, colon, comma, equals sign, percent sign or control character (A86). */
const safe = /^[A-Za-z0-9._~@/-]*$/

/** Characters of a digest. */
export const digestSize = 50

/**
 * A platform's value as plain ASCII that no log, shell, SQL text or session name can trip over: every other byte of
 * its UTF-8 form is percent-encoded; what is then longer than `limit` (at least 50) becomes its digest. Different
 * values never become the same text.
 */
export function plain(value: string, limit: number): string {
  if (value.length > limit || !value.isWellFormed()) return digest(value)
  if (safe.test(value)) return value
  let text = ''
  for (const byte of Buffer.from(value, 'utf8')) {
    const letter = String.fromCharCode(byte)
    text += safe.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text.length <= limit ? text : digest(value)
}

/** `sha256=` and the hash, which no plain text looks like. Over UTF-16 units: UTF-8 would make lone surrogates equal. */
export function digest(value: string): string {
  return `sha256=${hash('sha256', Buffer.from(value, 'utf16le'), 'base64url')}`
}
