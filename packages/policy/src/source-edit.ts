/**
 * source-edit: small changes of a policy's text that leave everything else as its author wrote it, comments too.
 * Places are those of problems: file, line and column of a value.
 */
import { isMap, isNode, isScalar, isSeq, type Node, parseDocument, visit } from 'yaml'
import type { Place, SourceFile } from './problem.ts'

/** Characters `from` to `to` of a file become `text`. */
export interface Edit {
  readonly path: string
  readonly from: number
  readonly to: number
  readonly text: string
}

/** The files with all edits carried out. Only deletions may overlap. */
export function editFiles(files: readonly SourceFile[], edits: readonly Edit[]): readonly SourceFile[] {
  return files.map(({ path, text }) => {
    const own = edits.filter((edit) => edit.path === path).toSorted((a, b) => a.from - b.from)
    let [done, at] = ['', 0]
    for (const { from, to, text: put } of own) {
      done += text.slice(at, Math.max(at, from)) + put
      at = Math.max(at, to)
    }
    return { path, text: done + text.slice(at) }
  })
}

/** Takes the list item out in which the place is: with its line when the list has one item a line. */
export function removeItem(text: string, place: Place): Edit | undefined {
  const at = offsetOf(text, place)
  let found: Edit | undefined
  visit(parseDocument(text), {
    Seq: (_, list) => {
      const item = list.items.findIndex((node) => covers(node, at))
      const node = list.items[item]
      if (item === -1 || !isNode(node)) return undefined
      found ??= list.flow
        ? flowItem(text, place.path, node, list.items[item + 1])
        : blockItem(text, place.path, node)
      return undefined
    },
  })
  return found
}

function blockItem(text: string, path: string, node: Node): Edit {
  const [start, end] = rangeOf(node)
  const from = text.lastIndexOf('\n', start) + 1
  // A block value ends where the next item's line begins; a flow value ends inside its line, a comment may follow.
  const after = text[end - 1] === '\n' ? end : text.indexOf('\n', end) + 1
  return { path, from, to: after === 0 ? text.length : after, text: '' }
}

function flowItem(text: string, path: string, node: Node, next: unknown): Edit {
  const [start, end] = rangeOf(node)
  if (isNode(next)) return { path, from: start, to: rangeOf(next)[0], text: '' }
  const comma = text.lastIndexOf(',', start)
  return { path, from: comma > text.lastIndexOf('[', start) ? comma : start, to: end, text: '' }
}

/** Writes another value where one stands. */
export function replaceValue(text: string, place: Place, put: string): Edit | undefined {
  const at = offsetOf(text, place)
  let found: Edit | undefined
  visit(parseDocument(text), {
    Node: (_, node) => {
      const [from, to] = rangeOf(node)
      if (found === undefined && from === at) found = { path: place.path, from, to, text: put }
    },
  })
  return found
}

/**
 * Writes a value instead of the whole matcher whose `like` has its value at the place. `put` gets the pattern as it
 * is written (`undefined` for a list of them).
 */
export function replaceMatcher(
  text: string,
  place: Place,
  put: (written: string | undefined) => string | undefined,
): Edit | undefined {
  const at = offsetOf(text, place)
  let found: Edit | undefined
  visit(parseDocument(text), {
    Map: (_, map) => {
      const like = map.items.find(
        ({ key, value }) => isScalar(key) && key.value === 'like' && covers(value, at),
      )
      const value = like?.value
      if (!isNode(value) || rangeOf(value)[0] !== at) return undefined
      const first = isSeq(value) ? value.items[0] : value
      const becomes = put(isScalar(first) && typeof first.value === 'string' ? first.value : undefined)
      const [from, to] = rangeOf(map)
      if (becomes !== undefined) found = { path: place.path, from, to, text: becomes }
      return undefined
    },
  })
  return found
}

function covers(node: unknown, at: number): boolean {
  if (!isNode(node)) return false
  const [from, to] = rangeOf(node)
  return from <= at && at < to
}

/** Where the value begins and ends, without what follows it. */
function rangeOf(node: Node): readonly [number, number] {
  const [from, to] = node.range ?? [0, 0]
  return isMap(node) || isSeq(node) || isScalar(node) ? [from, to] : [0, 0]
}

function offsetOf(text: string, { line, column }: Place): number {
  let start = 0
  for (let at = 1; at < line; at++) start = text.indexOf('\n', start) + 1
  return start + column - 1
}
