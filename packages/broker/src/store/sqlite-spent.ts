import type { DatabaseSync } from 'node:sqlite'

/** Set by the first byte of the key: no set grows so large that enlarging it would hold up a commit. */
const shards = 256

/** Bytes of a key, and rows that are loaded at once. */
const keySize = 16
const atOnce = 1_024

/**
 * The spent tokens of one file. Rows are only ever added at the end, because an index over random keys would write
 * one page for each of them and cost more the more there are; what is looked up is a copy in memory, about 60 bytes
 * for each token that is not forgotten yet. One row holds all keys of a group that end together. All calls are inside
 * a transaction that holds the write lock: `begin` reads what other processes added, so that the copy is never behind.
 */
export class SpentKeys {
  readonly #statements: ReturnType<typeof spentStatements>
  readonly #keys = Array.from({ length: shards }, () => new Set<string>())
  /** The newest row that is in the copy. */
  #known = 0
  #written = 0
  /** What this group added, by its end. */
  readonly #added = new Map<number, string[]>()

  constructor(database: DatabaseSync) {
    this.#statements = spentStatements(database)
  }

  /** Starts a group; `count` is how many rows were ever added. */
  begin(count: number): void {
    this.#clear()
    for (let from = this.#known; from < count; from += atOnce) this.#load(from)
    this.#known = count
  }

  has(name: string): boolean {
    return this.#set(name).has(name)
  }

  /** Adds a token; `name` are its key's bytes as Latin-1. */
  add(name: string, until: number): void {
    this.#set(name).add(name)
    const together = this.#added.get(until)
    if (together === undefined) this.#added.set(until, [name])
    else together.push(name)
  }

  /** Writes what the group added. */
  write(): void {
    for (const [until, names] of this.#added) {
      this.#written += 1
      this.#statements.add.get(this.count, bytesOf(names), until)
    }
  }

  /** Rows that were ever added, those of this group included: row numbers are never used twice. */
  get count(): number {
    return this.#known + this.#written
  }

  /** The group is on disk. */
  keep(): void {
    this.#known = this.count
    this.#clear()
  }

  /** The group was rolled back. */
  undo(): void {
    for (const names of this.#added.values()) this.forget(names)
    this.#clear()
  }

  /** Deletes tokens that ended before, oldest first; answers their names, for `forget` once that is on disk. */
  prune(before: number, limit: number): readonly string[] {
    const names: string[] = []
    for (const row of this.#statements.due.all(before, limit)) {
      const mine = namesOf(textOf(row['keys'] as Uint8Array))
      const left = limit - names.length
      if (left <= 0) break
      names.push(...mine.slice(0, left))
      if (mine.length <= left) this.#statements.remove.get(Number(row['id']))
      else this.#statements.shorten.get(bytesOf(mine.slice(left)), Number(row['id']))
    }
    return names
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#set(name).delete(name)
  }

  /** As one text for many rows, which costs far less than an object for each. */
  #load(from: number): void {
    const hex = this.#statements.load.get(from, from + atOnce)?.['keys']
    const names = namesOf(Buffer.from(typeof hex === 'string' ? hex : '', 'hex').toString('latin1'))
    for (const name of names) this.#set(name).add(name)
  }

  #clear(): void {
    this.#added.clear()
    this.#written = 0
  }

  #set(name: string): Set<string> {
    return this.#keys[name.charCodeAt(0) % shards] ?? new Set()
  }
}

function bytesOf(names: readonly string[]): Uint8Array {
  return Buffer.from(names.join(''), 'latin1')
}

function namesOf(keys: string): readonly string[] {
  return Array.from({ length: keys.length / keySize }, (_, i) => keys.slice(i * keySize, (i + 1) * keySize))
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function spentStatements(database: DatabaseSync) {
  return {
    load: database.prepare("SELECT group_concat(hex(keys), '') AS keys FROM spent WHERE id > ? AND id <= ?"),
    add: database.prepare('INSERT INTO spent (id, keys, until) VALUES (?, ?, ?)'),
    due: database.prepare('SELECT id, keys FROM spent WHERE until < ? ORDER BY until, id LIMIT ?'),
    remove: database.prepare('DELETE FROM spent WHERE id = ?'),
    shorten: database.prepare('UPDATE spent SET keys = ? WHERE id = ?'),
  }
}
