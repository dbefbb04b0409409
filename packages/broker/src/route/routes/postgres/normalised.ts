/**
 * A text of statements as the record has it: names and shape stay, constants become `?`, comments go. What a server could
 * read in two ways by its settings is not read on. It never throws.
 */
import { redactedName } from '../../redacted.ts'

/** Characters that are read, and that are kept. */
const limits = { read: 16_384, kept: 1_000 } as const

const unread = '[not read]'

type Piece = { readonly text: string; readonly end: number }

/** Normal form of a text of statements. */
export function normalised(text: string): string {
  const read = text.length > limits.read ? text.slice(0, limits.read) : text
  let said = ''
  let at = 0
  while (at < read.length && said.length <= 2 * limits.kept) {
    const { text: piece, end } = pieceAt(read, at)
    // The last word may have been cut in two.
    if (end >= read.length && read.length < text.length) break
    said += piece
    at = end
    if (piece === unread) break
  }
  const short = shortened(said)
  const isWhole = at >= text.length && short.length <= limits.kept
  return isWhole ? short : `${short.slice(0, limits.kept)}[cut: ${text.length} characters]`
}

/** Lists of constants say no more than one of them. */
function shortened(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\?( ?, ?\?)+/g, '?, ...')
    .replaceAll(/(\((?:\?|\?, \.\.\.)\))( ?, ?\((?:\?|\?, \.\.\.)\))+/g, '$1, ...')
    .trim()
}

const space = /\s+|--[^\n\r]*/y
const number = /(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?[\w]*/iy
const parameter = /\$[0-9]+/y
const dollar = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const word = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const constant = /(?:[bxn]|u&|(e))?'/iy
const quoted = /(?:u&)?"(?:[^"]|"")*"/iy

function pieceAt(text: string, at: number): Piece {
  const is = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const blank = is(space)
  if (blank !== undefined) return { text: ' ', end: at + blank.length }
  if (text.startsWith('/*', at)) return { text: ' ', end: endOfComment(text, at) }
  const opening = is(constant)
  if (opening !== undefined) return constantAt(text, at + opening.length, /^e/i.test(opening))
  const name = is(quoted)
  if (name !== undefined) return { text: shownName(name), end: at + name.length }
  const kept = is(parameter)
  if (kept !== undefined) return { text: kept, end: at + kept.length }
  const tag = is(dollar)
  if (tag !== undefined) return { text: '?', end: after(text, tag, at + tag.length) }
  const digits = is(number)
  if (digits !== undefined) return { text: '?', end: at + digits.length }
  const plain = is(word)
  if (plain !== undefined) return { text: redactedName(plain), end: at + plain.length }
  // A name that does not end.
  if (text[at] === '"') return { text: unread, end: text.length }
  return { text: text[at] ?? '', end: at + 1 }
}

/** A constant in quotes, from behind the first one. `escapes`: a backslash has its meaning (`E'...'`). */
function constantAt(text: string, from: number, escapes: boolean): Piece {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') {
      // Whether it hides the quote is `standard_conforming_strings`, which is the session's.
      if (!escapes && text[at + 1] === "'") return { text: unread, end: text.length }
      if (escapes) at++
    } else if (text[at] === "'") {
      if (text[at + 1] !== "'") return { text: '?', end: at + 1 }
      at++
    }
  }
  return { text: unread, end: text.length }
}

/** They nest in PostgreSQL. */
function endOfComment(text: string, from: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = from
  let depth = 0
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return text.length
}

function after(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from)
  return found === -1 ? text.length : found + what.length
}

function shownName(name: string): string {
  const inner = name.slice(name.indexOf('"') + 1, -1)
  return redactedName(inner) === inner ? name : '"[redacted]"'
}
