import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openSqliteWriter, type SqliteWriter } from './sqlite-writer.ts'

/** A writer whose disk can be made full: SQLite says the same (SQLITE_FULL) when a file may have no more pages. */
function onSmallDisk(
  run: (writer: SqliteWriter, setFull: (full: boolean) => void, database: DatabaseSync) => void,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-full-'))
  const database = new DatabaseSync(join(folder, 'mayfly.db'))
  const writer = openSqliteWriter('', database)
  try {
    const setFull = (full: boolean) => database.exec(`PRAGMA max_page_count = ${full ? 1 : 1_000_000}`)
    run(writer, setFull, database)
  } finally {
    writer.close()
    rmSync(folder, { recursive: true })
  }
}

const entry = (size: number) => [[{ op: 'append', entry: new Uint8Array(size) }]] as const
const full = /full/

test('a disk that is full is noticed by the probe after the first write that failed', () =>
  onSmallDisk((writer, setFull) => {
    writer.ping()
    setFull(true)
    assert.throws(() => {
      for (;;) writer.write(entry(500))
    }, full)
    for (let i = 0; i < 3; i++) assert.throws(() => writer.ping(), full)
    // What still fits into a page that is there is no sign of room.
    writer.write([[{ op: 'checkpoint', size: 1, note: 'small' }]])
    assert.throws(() => writer.ping(), full)
    setFull(false)
    writer.ping()
    writer.write(entry(100_000))
    writer.ping()
  }))

test('what the probe asked for is room for the commits after it', () =>
  onSmallDisk((writer, setFull) => {
    setFull(true)
    assert.throws(() => writer.write(entry(100_000)), full)
    setFull(false)
    writer.ping()
    setFull(true)
    for (let i = 0; i < 5; i++) writer.write(entry(100_000))
    writer.ping()
  }))

test('the probe really writes, also when nothing failed before', () =>
  onSmallDisk((writer, _setFull, database) => {
    const other = new DatabaseSync(database.location() ?? '')
    const seen = () => other.prepare('PRAGMA data_version').get()?.['data_version']
    const before = seen()
    assert.equal(seen(), before)
    writer.ping()
    const after = seen()
    assert.notEqual(after, before)
    writer.ping()
    assert.notEqual(seen(), after)
    other.close()
  }))
