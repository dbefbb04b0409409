/** fix/edit: changes of a workflow's text at places of its nodes, which leave everything else as its author wrote it. */
import { entriesOf, type MapNode, type Node, type Place } from '@mayfly/policy/document-tree'
import { type Edit, editFiles } from '@mayfly/policy/source-edit'

/** A form of YAML in which an edit would need to write the file anew. */
export class CannotEdit extends Error {
  override readonly name = 'CannotEdit'
}

/** Collects edits of one text. Every method throws `CannotEdit` for forms that it cannot follow. */
export class Draft {
  readonly #text: string
  readonly #starts: readonly number[]
  readonly #edits = new Map<string, Edit>()

  constructor(text: string) {
    this.#text = text
    this.#starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  }

  /** The text with every edit. */
  get result(): string {
    return editFiles([{ path: '', text: this.#text }], [...this.#edits.values()])[0]?.text ?? this.#text
  }

  replace(place: Place, old: string, fresh: string): void {
    const from = this.#offset(place)
    if (old === '' || !this.#text.startsWith(old, from))
      throw new CannotEdit('a text is empty, or written in another way than it reads')
    this.#put({ path: '', from, to: from + old.length, text: fresh })
  }

  /** Before one of a map's keys, on lines of their own; they stand where the key stood. */
  insertBefore(map: Node, key: string, lines: readonly string[]): void {
    const entry = entriesOf(map).find((each) => each.key === key)
    if (entry === undefined || this.isFlow(map)) throw new CannotEdit('a map is written in one line')
    const indent = ' '.repeat(entry.place.column - 1)
    const before = this.#line(entry.place).slice(0, entry.place.column - 1)
    if (!/^[ -]*$/.test(before)) throw new CannotEdit('a map begins behind an anchor or a tag')
    const from = this.#offset(entry.place)
    this.#put({ path: '', from, to: from, text: lines.map((line) => `${line}\n${indent}`).join('') })
  }

  /** At the beginning of a map in braces. */
  insertInFlow(map: Node, text: string): void {
    const from = this.#offset(map.place) + 1
    const separator = entriesOf(map).length === 0 ? '' : ','
    this.#put({ path: '', from, to: from, text: ` ${text}${separator}` })
  }

  /** Before an item of a list, as an item of its own. */
  insertItem(item: Node, lines: readonly string[]): void {
    const before = this.#line(item.place).slice(0, item.place.column - 1)
    const [, indent, gap] = /^( *)-( +)$/.exec(before) ?? []
    if (indent === undefined || gap === undefined || this.isFlow(item))
      throw new CannotEdit('a step is not written as `- key: value`')
    const rest = `${indent} ${gap}`
    const text = lines.map((line, at) => `${at === 0 ? before : rest}${line}\n`).join('')
    const from = this.#offset({ ...item.place, column: 1 })
    this.#put({ path: '', from, to: from, text })
  }

  /** A map's entry that has a line of its own; with the map's key when nothing else is in it. */
  removeEntry(parent: Place | undefined, map: MapNode, key: string, gone: ReadonlySet<string>): void {
    const entry = map.entries.find((each) => each.key === key)
    if (entry === undefined || this.isFlow(map)) throw new CannotEdit('a map is written in one line')
    this.#removeLine(entry.place, entry.value)
    if (map.entries.every((each) => gone.has(each.key)) && parent !== undefined) this.#removeLine(parent)
  }

  #removeLine(place: Place, value?: Node): void {
    const line = this.#line(place)
    if (
      !/^ *$/.test(line.slice(0, place.column - 1)) ||
      (value !== undefined && value.place.line !== place.line)
    )
      throw new CannotEdit('a value does not stand in one line')
    const from = this.#offset({ ...place, column: 1 })
    this.#put({ path: '', from, to: Math.min(from + line.length + 1, this.#text.length), text: '' })
  }

  isFlow(map: Node): boolean {
    return map.is === 'text' || this.#text[this.#offset(map.place)] === '{'
  }

  #line({ line }: Place): string {
    const from = this.#starts[line - 1] ?? 0
    return this.#text.slice(from, (this.#starts[line] ?? this.#text.length + 1) - 1)
  }

  #offset({ line, column }: Place): number {
    return (this.#starts[line - 1] ?? 0) + column - 1
  }

  /** The same edit is made once, whoever wants it; two insertions at one place follow each other. */
  #put(edit: Edit): void {
    const text = this.#text.includes('\r\n') ? edit.text.replaceAll('\n', '\r\n') : edit.text
    this.#edits.set(`${edit.from} ${edit.to} ${text}`, { ...edit, text })
  }
}
