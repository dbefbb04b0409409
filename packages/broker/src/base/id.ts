import type { Tools } from './tools.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Two letters for each ten bits, so that an id is put together from few pieces. */
const pairs = Array.from({ length: 1024 }, (_, i) => alphabet.charAt(i >> 5) + alphabet.charAt(i & 31))
const pair = (bits: number) => pairs[bits & 1023] ?? ''

/**
 * A new identifier, `prefix_` + 26 characters: 48 bits of milliseconds (so that ids sort by time, which
 * keeps indexes compact) and 80 random bits, in Crockford's base 32.
 */
export function newId(prefix: string, tools: Pick<Tools, 'now' | 'randomBytes'>): string {
  const time = tools.now()
  const [high, low] = [Math.floor(time / 2 ** 30), time % 2 ** 30]
  const head = pair(high >> 10) + pair(high) + pair(low >> 20) + pair(low >> 10) + pair(low)
  const random = tools.randomBytes(16)
  let tail = ''
  for (let at = 0; at < 16; at += 2) tail += pair(((random[at] ?? 0) << 8) | (random[at + 1] ?? 0))
  return `${prefix}_${head}${tail}`
}
