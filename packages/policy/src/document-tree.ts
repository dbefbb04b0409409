/**
 * document-tree: YAML that others wrote, workflows above all, with the line and column of every node and an alias as what
 * it stands for. Bounded in size, depth and in what its aliases would be when written out.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node as ParsedNode,
  parseDocument,
} from 'yaml'

/** Both count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

export interface MapNode {
  readonly is: 'map'
  readonly place: Place
  readonly entries: readonly Entry[]
}
export interface ListNode {
  readonly is: 'list'
  readonly place: Place
  readonly items: readonly Node[]
}
/** Whatever is no map and no list; `text` is empty for null. */
export interface TextNode {
  readonly is: 'text'
  readonly place: Place
  readonly text: string
  /** Where the source has the `number`th occurrence of a piece of the text. */
  readonly find: (piece: string, number: number) => Place
}
export type Node = MapNode | ListNode | TextNode

export interface Entry {
  readonly key: string
  readonly place: Place
  readonly value: Node
}

/** Why a file was not read, and where. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
  readonly place: Place
  constructor(message: string, place: Place = { line: 1, column: 1 }) {
    super(message)
    this.place = place
  }
}

const mostCharacters = 1_048_576
/** With every alias written out: what a reader of the whole would walk through. */
const mostNodes = 50_000
const mostLevels = 100

/** The one document of a file. Throws `Unreadable` for what GitHub would not run or nobody would write by hand. */
export function readTree(text: string): Node {
  if (text.length > mostCharacters) throw new Unreadable('the file is larger than a MiB; no workflow is')
  if (/[\0\ufffd]/.test(text)) throw new Unreadable('the file is not text in UTF-8')
  const lines = new LineCounter()
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const document = within(() => parseDocument(text, { ...options, lineCounter: lines }))
  const [fault] = document.errors
  if (fault !== undefined)
    throw new Unreadable(`not valid YAML: ${fault.message.split('\n')[0]}`, place(fault.pos[0]))
  if (document.contents === null) throw new Unreadable('the file is empty')
  return new Reader(text, document, place).node(document.contents, 0).node
}

const options = { merge: true, prettyErrors: false, uniqueKeys: true, version: '1.2' } as const

/** The parser calls itself for each level. */
function within<Made>(make: () => Made): Made {
  try {
    return make()
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    throw new Unreadable('the file is nested too deeply')
  }
}

interface Sized {
  readonly node: Node
  readonly size: number
}

/** An anchor is read once: its aliases share the node, and count for as much as it would if it were written again. */
class Reader {
  readonly #text: string
  readonly #document: Document
  readonly #place: (offset: number) => Place
  readonly #read = new Map<ParsedNode, Sized | 'begun'>()

  constructor(text: string, document: Document, place: (offset: number) => Place) {
    this.#text = text
    this.#document = document
    this.#place = place
  }

  node(parsed: unknown, level: number): Sized {
    if (isAlias(parsed)) {
      const meant = parsed.resolve(this.#document)
      const at = this.#place(parsed.range?.[0] ?? 0)
      if (meant === undefined) throw new Unreadable(`the anchor \`${parsed.source}\` is not set before`, at)
      return this.node(meant, level)
    }
    if (!isMap(parsed) && !isSeq(parsed) && !isScalar(parsed)) return { node: this.#nothing(), size: 1 }
    const known = this.#read.get(parsed)
    const [start = 0] = parsed.range ?? []
    if (known === 'begun') throw new Unreadable('an anchor holds itself', this.#place(start))
    if (level > mostLevels) throw new Unreadable('the file is nested too deeply', this.#place(start))
    if (known !== undefined) return known
    this.#read.set(parsed, 'begun')
    const made = isScalar(parsed) ? { node: this.#scalar(parsed), size: 1 } : this.#collection(parsed, level)
    if (made.size > mostNodes)
      throw new Unreadable(`more than ${mostNodes} values with its anchors written out`, this.#place(start))
    this.#read.set(parsed, made)
    return made
  }

  #collection(parsed: ParsedNode, level: number): Sized {
    const place = this.#place(parsed.range?.[0] ?? 0)
    if (isSeq(parsed)) {
      const items = parsed.items.map((item) => this.node(item, level + 1))
      return { node: { is: 'list', place, items: items.map(({ node }) => node) }, size: sum(items) }
    }
    if (!isMap(parsed)) return { node: this.#nothing(), size: 1 }
    const read = parsed.items.map(({ key, value }) => {
      const own = this.node(key, level + 1).node
      const text = own.is === 'text' ? own.text : ''
      return { key: text, place: own.place, value: this.node(value, level + 1) }
    })
    const own = read.filter(({ key, value }) => key !== '<<' || value.node.is !== 'map')
    const said = new Set(own.map(({ key }) => key))
    // What the map says itself counts before what is merged in.
    const merged = read
      .flatMap(({ key, value: { node } }) => (key === '<<' && node.is === 'map' ? node.entries : []))
      .filter(({ key }) => !said.has(key))
    const entries = [...merged, ...own.map(({ key, place, value }) => ({ key, place, value: value.node }))]
    return { node: { is: 'map', place, entries }, size: sum(read.map(({ value }) => value)) }
  }

  #scalar(parsed: ParsedNode): TextNode {
    const [start = 0, end = start] = parsed.range ?? []
    const value = isScalar(parsed) ? parsed.value : undefined
    const source = this.#text.slice(start, end)
    const known = new Map<string, readonly number[]>()
    const find = (piece: string, number: number): Place => {
      const all = known.get(piece) ?? occurrences(source, piece)
      known.set(piece, all)
      return this.#place(start + (all[number] ?? all[0] ?? 0))
    }
    const written = isScalar(parsed) && typeof value !== 'string' ? (parsed.source ?? '') : value
    const text = value === null || value === undefined ? '' : String(written)
    return { is: 'text', place: this.#place(start), text, find }
  }

  #nothing(): TextNode {
    const place = { line: 1, column: 1 }
    return { is: 'text', place, text: '', find: () => place }
  }
}

function occurrences(source: string, piece: string): readonly number[] {
  const found: number[] = []
  for (let at = source.indexOf(piece); at >= 0; at = source.indexOf(piece, at + 1)) found.push(at)
  return found
}

function sum(parts: readonly Sized[]): number {
  return parts.reduce((all, { size }) => Math.min(all + size, Number.MAX_SAFE_INTEGER), 1)
}

/** A map's value; `undefined` for every other node. */
export function member(node: Node | undefined, key: string): Node | undefined {
  return entryOf(node, key)?.value
}

/** The same with the place of its key. The last one counts where a merge brings a second. */
export function entryOf(node: Node | undefined, key: string): Entry | undefined {
  return node?.is === 'map' ? node.entries.findLast((entry) => entry.key === key) : undefined
}

/** A map's entries, none for every other node. */
export function entriesOf(node: Node | undefined): readonly Entry[] {
  return node?.is === 'map' ? node.entries : []
}

/** A scalar's text; `undefined` for every other node. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.is === 'text' ? node.text : undefined
}

/** A text, or a list of texts, as GitHub takes either in many places. */
export function textsOf(node: Node | undefined): readonly string[] {
  if (node?.is === 'list') return node.items.map(textOf).filter((text) => text !== undefined)
  const text = textOf(node)
  return text === undefined || text === '' ? [] : [text]
}

/** Every text below a node, each once. */
export function* textsBelow(node: Node | undefined, seen = new Set<Node>()): Generator<TextNode> {
  if (node === undefined || seen.has(node)) return
  seen.add(node)
  if (node.is === 'text') yield node
  else if (node.is === 'list') for (const item of node.items) yield* textsBelow(item, seen)
  else for (const { value } of node.entries) yield* textsBelow(value, seen)
}
