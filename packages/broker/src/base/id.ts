import type { Tools } from './tools.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new identifier, `prefix_` + 26 characters: 48 bits of milliseconds (so that ids sort by time, which
 * keeps indexes compact) and 80 random bits, in Crockford's base 32.
 */
export function newId(prefix: string, tools: Pick<Tools, 'now' | 'randomBytes'>): string {
  let time = tools.now()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = alphabet.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (const byte of tools.randomBytes(16)) tail += alphabet.charAt(byte & 31)
  return `${prefix}_${head}${tail}`
}
