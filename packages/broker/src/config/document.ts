/** A YAML file with the place of every node in it. */
import {
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml'
import type { Problem } from './problem.ts'

export type Path = readonly PropertyKey[]

export interface PositionedDocument {
  /** The content; `undefined` when the file could not be read as YAML at all. */
  readonly content: unknown
  readonly problems: readonly Problem[]
  /**
   * A fault of the value at a path, or of the nearest thing above it that is there. The value is shown only with
   * `visible`, when it is certain that no secret was meant.
   */
  at(path: Path, message: string, visible: boolean): Problem
  /** A fault of a key; its value stays hidden. */
  atKey(path: Path, key: string, message: string): Problem
}

/** Reads YAML 1.2 strictly: no repeated keys, anchors, aliases, tags or second documents. */
export function readDocument(file: string, text: string): PositionedDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    stringKeys: true,
    uniqueKeys: true,
  })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const values = valuesOf(document.contents)
  const shown = (message: string, node: Node | null | undefined, visible: boolean): Problem => {
    const [start, end] = node?.range ?? [0, 0]
    const found = place(start)
    const hidden = values.filter((each) => !(visible && each === node))
    return { ...found, message, source: lineOf(text, start, hidden), width: end - start }
  }
  const problems: Problem[] = [...document.errors, ...document.warnings].map((each) => ({
    ...place(each.pos[0]),
    message: each.code === 'DUPLICATE_KEY' ? 'this key stands here twice' : withoutSource(each.message),
  }))
  visit(document, {
    Node(_key, node) {
      const named = 'anchor' in node && node.anchor !== undefined
      if (node.tag?.startsWith('!') === true || named || !('items' in node || 'value' in node)) {
        problems.push({
          ...place(node.range?.[0] ?? 0),
          message: 'anchors, aliases and tags are not used here',
        })
      }
    },
  })
  const readable = document.errors.every((each) => each.code === 'DUPLICATE_KEY')
  return {
    content: readable && problems.length === document.errors.length ? document.toJS() : undefined,
    problems,
    at(path, message, visible) {
      const found = nearestNode(document.contents, path)
      return shown(message, found.node, visible && found.exact && isScalar(found.node))
    },
    atKey(path, key, message) {
      const parent = nearestNode(document.contents, path)
      const pair = parent.exact ? pairOf(parent.node, key) : undefined
      return shown(message, pair?.key ?? parent.node, false)
    },
  }
}

/** The parser's messages end in a piece of the source, which may hold a secret. */
function withoutSource(message: string): string {
  const cut = (message.split(/[:"'`%!|]/)[0] ?? '').trim()
  return cut === '' ? 'this is not YAML' : `this is not YAML: ${cut}`
}

/** Where a fault is: the value, or, when it is missing, the key of the nearest map above it. */
function nearestNode(contents: Node | null, path: Path): { node: Node | undefined; exact: boolean } {
  let node: Node | undefined = contents ?? undefined
  let mark: Node | undefined = node
  for (const step of path) {
    const pair: Pair<Node, Node | null> | undefined = pairOf(node, String(step))
    const next: Node | null | undefined = pair === undefined ? itemOf(node, step) : pair.value
    if (next === undefined || next === null) return { node: pair?.key ?? mark, exact: false }
    mark = pair?.key ?? next
    node = next
  }
  return { node, exact: true }
}

function pairOf(node: Node | undefined, key: string): Pair<Node, Node | null> | undefined {
  if (!isMap<Node, Node | null>(node)) return undefined
  return node.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
}

function itemOf(node: Node | undefined, step: PropertyKey): Node | undefined {
  if (node === undefined || !('items' in node) || typeof step !== 'number') return undefined
  const items: unknown = node.items
  const item: unknown = Array.isArray(items) ? items[step] : undefined
  return item !== undefined && !isPair(item) ? (item as Node) : undefined
}

function valuesOf(contents: Node | null): readonly Scalar[] {
  const values: Scalar[] = []
  if (contents === null) return values
  visit(contents, {
    Scalar(key, node) {
      if (key !== 'key') values.push(node)
    },
  })
  return values
}

/** The line at an offset, with the given values blotted out. */
function lineOf(text: string, offset: number, hidden: readonly Scalar[]): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const found = text.indexOf('\n', start)
  const end = found === -1 ? text.length : found
  let line = text.slice(start, end)
  for (const each of hidden) {
    const from = Math.max(start, each.range?.[0] ?? 0) - start
    const to = Math.min(end, each.range?.[1] ?? 0) - start
    if (to > from) line = line.slice(0, from) + '*'.repeat(to - from) + line.slice(to)
  }
  const comment = / #.*$/.exec(line)
  return (comment === null ? line : line.slice(0, comment.index)).replace(/[\r\t]/g, ' ').slice(0, 200)
}
