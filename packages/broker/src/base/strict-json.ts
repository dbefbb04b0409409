import type { Json } from './canonical-json.ts'

/** A JSON object of a token: no prototype, so that no name of a member means anything by itself. */
export type JsonObject = { readonly [name: string]: Json }

/** What a text may hold: deepest nesting, most members of one object or list, and whether texts have lines. */
export interface JsonLimits {
  readonly depth: number
  readonly members: number
  /** Control characters in texts are let through. */
  readonly controls: boolean
}

const limitsOfTokens: JsonLimits = { depth: 16, members: 256, controls: false }

const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype'])
const control = /[\u0000-\u001f\u007f]/

/**
 * Parses a JSON object and refuses what two parsers could read differently: duplicate members (RFC 7515 4, RFC 7519
 * 4), numbers that are not finite, lone surrogates; and what has no place in a token: control characters, names of
 * JavaScript's own, deep nesting. Throws `TypeError` with the reason, never with a value. `limits`: those of a token,
 * where nothing else is said.
 */
export function parseStrictObject(text: string, limits: JsonLimits = limitsOfTokens): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TypeError('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not a JSON object')
  // Only escapes bring in control characters and lone surrogates; JSON allows DEL as it is.
  const suspect = text.includes('\\') || text.includes('\u007f')
  const look = { ...limits, suspect }
  // `JSON.parse` keeps the last of two members and says nothing: then it has fewer than the text.
  if (checkObject(value, 1, look) !== namesIn(text)) throw new TypeError('a member that stands twice')
  return value as JsonObject
}

interface Look extends JsonLimits {
  /** Texts may hold what JSON can only escape. */
  readonly suspect: boolean
}

/** Checks an object that nobody else has, takes its prototype away, and answers how many members are in it. */
function checkObject(value: object, depth: number, look: Look): number {
  if (depth > look.depth) throw new TypeError('nested too deeply')
  const names = Object.keys(value)
  if (names.length > look.members) throw new TypeError('too many members')
  let count = names.length
  for (const name of names) {
    if (forbiddenNames.has(name)) throw new TypeError('a member with a name that none may have')
    if (look.suspect) checkText(name, look)
  }
  for (const member of Object.values(value) as unknown[]) count += checkValue(member, depth, look)
  Object.setPrototypeOf(value, null)
  return count
}

function checkValue(value: unknown, depth: number, look: Look): number {
  switch (typeof value) {
    case 'string':
      if (look.suspect) checkText(value, look)
      return 0
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number that is not finite')
      return 0
    case 'boolean':
      return 0
    default:
  }
  if (typeof value !== 'object' || value === null) return 0
  return Array.isArray(value) ? checkList(value, depth, look) : checkObject(value, depth + 1, look)
}

function checkList(list: readonly unknown[], depth: number, look: Look): number {
  if (depth >= look.depth) throw new TypeError('nested too deeply')
  if (list.length > look.members) throw new TypeError('a list that is too long')
  return list.reduce<number>((count, item) => count + checkValue(item, depth + 1, look), 0)
}

function checkText(text: string, { controls }: Look): void {
  if (!controls && control.test(text)) throw new TypeError('a control character')
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate')
}

const colon = 0x3a
const backslash = 0x5c

/** How many members the text of valid JSON has, duplicates included: a string is a name when a colon follows it. */
function namesIn(text: string): number {
  let count = 0
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at)) {
    at = endOfString(text, at) + 1
    while (isSpace(text.charCodeAt(at))) at++
    if (text.charCodeAt(at) === colon) count++
  }
  return count
}

/** RFC 8259 2. */
function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09
}

/** Position of the quote that ends the string that starts at `start`. The text is valid JSON. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++
  return slashes % 2 === 1
}
