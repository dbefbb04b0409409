/**
 * tree: YAML as typed nodes that know their file, line and column. What YAML leaves open (duplicate keys, aliases,
 * tags, several documents) is a fault here, so that nothing after it has to think of it.
 */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml'
import type { Place } from '../problem.ts'
import type { Faults } from './faults.ts'

export interface MapTree {
  readonly is: 'map'
  readonly place: Place
  readonly entries: readonly Entry[]
}
export interface ListTree {
  readonly is: 'list'
  readonly place: Place
  readonly items: readonly Tree[]
}
/** `text` is what the file says; `is` how YAML reads it when it has no quotes. */
export interface ScalarTree {
  readonly is: 'text' | 'number' | 'boolean' | 'null'
  readonly place: Place
  readonly text: string
}
export type Tree = MapTree | ListTree | ScalarTree

export interface Entry {
  readonly key: string
  /** Where the key stands. */
  readonly place: Place
  readonly value: Tree
}

/** The file's one document as a tree; `undefined` when it cannot be read (the faults say why). */
export function parseTree(path: string, text: string, faults: Faults): Tree | undefined {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    schema: 'core',
    merge: false,
    strict: true,
    prettyErrors: false,
  })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { path, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  for (const error of document.errors)
    faults.error('P000', at(error.pos[0]), `not valid YAML: ${firstLine(error.message)}`)
  for (const warning of document.warnings)
    faults.error('P022', at(warning.pos[0]), firstLine(warning.message))
  if (document.errors.length > 0) return undefined
  if (document.contents === null) {
    faults.error(
      'P000',
      { path, line: 1, column: 1 },
      'the file is empty',
      'an empty policy is refused, not read as "deny all"',
    )
    return undefined
  }
  return new Reader(at, faults).tree(document.contents)
}

const firstLine = (text: string): string => text.split('\n')[0] ?? ''

class Reader {
  readonly #at: (offset: number) => Place
  readonly #faults: Faults

  constructor(at: (offset: number) => Place, faults: Faults) {
    this.#at = at
    this.#faults = faults
  }

  tree(node: unknown): Tree | undefined {
    if (!isNode(node)) return undefined
    const place = this.#at(node.range?.[0] ?? 0)
    if (isAlias(node) || node.anchor !== undefined) {
      this.#faults.error(
        'P022',
        place,
        'YAML anchors and aliases are refused',
        'use `lists:` and `who:` instead',
      )
      return undefined
    }
    if (node.tag !== undefined) {
      this.#faults.error('P022', place, `YAML tag \`${node.tag}\` is refused`, 'quote the value')
      return undefined
    }
    if (isMap(node)) return { is: 'map', place, entries: this.#entries(node.items) }
    if (isSeq(node))
      return { is: 'list', place, items: node.items.flatMap((item) => this.#item(item, place)) }
    return isScalar(node) ? scalar(node, place) : undefined
  }

  #item(node: unknown, place: Place): readonly Tree[] {
    if (node === null) return [{ is: 'null', place, text: '' }]
    const tree = this.tree(node)
    return tree === undefined ? [] : [tree]
  }

  #entries(pairs: readonly Pair[]): readonly Entry[] {
    const entries: Entry[] = []
    const taken = new Set<string>()
    for (const pair of pairs) {
      const key = this.#key(pair.key)
      if (key === undefined) continue
      if (taken.has(key.text)) {
        this.#faults.error('P022', key.place, `duplicate key \`${key.text}\``)
        continue
      }
      const missing: Tree = { is: 'null', place: key.place, text: '' }
      const value = isNode(pair.value) ? this.tree(pair.value) : missing
      if (value === undefined) continue
      taken.add(key.text)
      entries.push({ key: key.text, place: key.place, value })
    }
    return entries
  }

  #key(node: unknown): { readonly text: string; readonly place: Place } | undefined {
    const tree = this.tree(node)
    if (tree === undefined) return undefined
    if (tree.is !== 'map' && tree.is !== 'list') return { text: tree.text, place: tree.place }
    this.#faults.error('P022', tree.place, 'a key must be text')
    return undefined
  }
}

function scalar(node: Node & Scalar, place: Place): ScalarTree {
  const { value, source } = node
  const text = source ?? String(value)
  if (typeof value === 'string') return { is: 'text', place, text: value }
  if (typeof value === 'boolean') return { is: 'boolean', place, text: String(value) }
  if (value === null) return { is: 'null', place, text }
  return { is: 'number', place, text }
}
