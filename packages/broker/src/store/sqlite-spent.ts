import type { DatabaseSync } from 'node:sqlite'

/** Set by the first byte of the key: no set grows so large that enlarging it would hold up a commit. */
const shards = 256

/** Bytes of a key, and rows that are loaded at once. */
const keySize = 16
const atOnce = 4_096

/**
 * The spent tokens of one file. Rows are only ever added at the end, because an index over random keys would write
 * one page for each of them and cost more the more there are; what is looked up is a copy in memory, about 60 bytes
 * for each token that is not forgotten yet. All calls are inside a transaction that holds the write lock: `begin`
 * reads what other processes added, so that the copy is never behind.
 */
export class SpentKeys {
  readonly #statements: ReturnType<typeof spentStatements>
  readonly #keys = Array.from({ length: shards }, () => new Set<string>())
  /** The newest row that is in the copy. */
  #known = 0
  #added: string[] = []

  constructor(database: DatabaseSync) {
    this.#statements = spentStatements(database)
  }

  /** Starts a group; `count` is how many rows were ever added. */
  begin(count: number): void {
    this.#added = []
    for (let from = this.#known; from < count; from += atOnce) this.#load(from)
    this.#known = count
  }

  has(name: string): boolean {
    return this.#set(name).has(name)
  }

  /** Adds a token; `name` are its key's bytes as Latin-1. */
  add(name: string, until: number): void {
    this.#statements.add.run(this.count + 1, Buffer.from(name, 'latin1'), until)
    this.#set(name).add(name)
    this.#added.push(name)
  }

  /** Rows that were ever added, those of this group included: row numbers are never used twice. */
  get count(): number {
    return this.#known + this.#added.length
  }

  /** The group is on disk. */
  keep(): void {
    this.#known = this.count
    this.#added = []
  }

  /** The group was rolled back. */
  undo(): void {
    for (const name of this.#added) this.#set(name).delete(name)
    this.#added = []
  }

  /** Deletes tokens that ended before, oldest first; answers their names, for `forget` once that is on disk. */
  prune(before: number, limit: number): readonly string[] {
    return this.#statements.prune.all(before, limit).map(nameOf)
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#set(name).delete(name)
  }

  /** As one text for many rows, which costs far less than an object for each. */
  #load(from: number): void {
    const hex = this.#statements.load.get(from, from + atOnce)?.['keys']
    const names = Buffer.from(typeof hex === 'string' ? hex : '', 'hex').toString('latin1')
    for (let at = 0; at < names.length; at += keySize) {
      const name = names.slice(at, at + keySize)
      this.#set(name).add(name)
    }
  }

  #set(name: string): Set<string> {
    return this.#keys[name.charCodeAt(0) % shards] ?? new Set()
  }
}

function nameOf(row: Record<string, unknown>): string {
  const key = row['key'] as Uint8Array
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

function spentStatements(database: DatabaseSync) {
  return {
    load: database.prepare("SELECT group_concat(hex(key), '') AS keys FROM spent WHERE id > ? AND id <= ?"),
    add: database.prepare('INSERT INTO spent (id, key, until) VALUES (?, ?, ?)'),
    prune: database.prepare(
      `DELETE FROM spent WHERE id IN (SELECT id FROM spent WHERE until < ? ORDER BY until LIMIT ?)
       RETURNING key`,
    ),
  }
}
