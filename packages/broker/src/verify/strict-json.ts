import type { Json } from '../base/canonical-json.ts'

/** A JSON object of a token: no prototype, so that no name of a member means anything by itself. */
export type JsonObject = { readonly [name: string]: Json }

/** Deepest nesting and most members of one object or list that a token may have. */
const limits = { depth: 16, members: 256 } as const

const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype'])
const control = /[\u0000-\u001f\u007f]/

/**
 * Parses a JSON object and refuses what two parsers could read differently: duplicate members (RFC 7515 4, RFC 7519
 * 4), numbers that are not finite, lone surrogates; and what has no place in a token: control characters, names of
 * JavaScript's own, deep nesting. Throws `TypeError` with the reason, never with a value.
 */
export function parseStrictObject(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TypeError('not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not a JSON object')
  scanNames(text)
  return copyObject(value as Record<string, unknown>, 1, text.includes('\\') || text.includes('\u007f'))
}

/** Values without a prototype. Only escapes bring in control characters and lone surrogates; JSON allows DEL as it is. */
function copyObject(from: Record<string, unknown>, depth: number, suspect: boolean): JsonObject {
  if (depth > limits.depth) throw new TypeError('nested too deeply')
  const to: Record<string, Json> = Object.create(null)
  for (const name in from) {
    if (suspect) checkText(name)
    to[name] = copy(from[name], depth, suspect)
  }
  return to
}

function copy(value: unknown, depth: number, suspect: boolean): Json {
  switch (typeof value) {
    case 'string':
      if (suspect) checkText(value)
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number that is not finite')
      return value
    case 'boolean':
      return value
    default:
  }
  if (value === null) return null
  if (!Array.isArray(value)) return copyObject(value as Record<string, unknown>, depth + 1, suspect)
  if (depth >= limits.depth) throw new TypeError('nested too deeply')
  if (value.length > limits.members) throw new TypeError('a list that is too long')
  return value.map((item) => copy(item, depth + 1, suspect))
}

function checkText(text: string): void {
  if (control.test(text)) throw new TypeError('a control character')
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate')
}

const quote = 0x22
const open = 0x7b
const close = 0x7d
const listOpen = 0x5b
const listClose = 0x5d
const comma = 0x2c

/**
 * Walks valid JSON once and looks at the names of members only: `JSON.parse` keeps the last of two and says nothing.
 * A string is a name when it is the first thing of an object or after a comma of one.
 */
function scanNames(text: string): void {
  const stack: (Set<string> | undefined)[] = []
  let names: Set<string> | undefined
  let nameNext = false
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case quote: {
        const end = endOfString(text, i)
        if (nameNext && names !== undefined) addName(names, text.slice(i, end + 1))
        nameNext = false
        i = end
        break
      }
      case open:
        stack.push(names)
        names = new Set()
        nameNext = true
        break
      case listOpen:
        stack.push(names)
        names = undefined
        nameNext = false
        break
      case close:
      case listClose:
        names = stack.pop()
        nameNext = false
        break
      case comma:
        nameNext = names !== undefined
        break
      default:
    }
    if (stack.length > limits.depth) throw new TypeError('nested too deeply')
  }
}

function addName(names: Set<string>, quoted: string): void {
  const name = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  if (names.has(name)) throw new TypeError('a member that stands twice')
  if (forbiddenNames.has(name)) throw new TypeError('a member with a name that none may have')
  if (names.size >= limits.members) throw new TypeError('too many members')
  names.add(name)
}

/** Position of the quote that ends the string that starts at `start`. The text is valid JSON. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}
