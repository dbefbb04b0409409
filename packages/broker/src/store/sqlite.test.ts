import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Frontier, leafHash } from '../base/merkle.ts'
import { openSqliteStore } from './sqlite.ts'
import { type Change, Conflict, type Store } from './store.ts'
import { WriterThread } from './writer-thread.ts'

async function inFolder(run: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-sqlite-'))
  try {
    await run(join(folder, 'inner', 'mayfly.db'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const append = (text: string): Change => ({ kind: 'append', entry: new TextEncoder().encode(text) })

async function assertSound(store: Store): Promise<readonly string[]> {
  const frontier = new Frontier()
  const entries = await store.entries(0, 100_000)
  for (const [i, entry] of entries.entries()) {
    assert.equal(entry.index, i)
    frontier.append(leafHash(entry.bytes))
  }
  const head = await store.head()
  assert.deepEqual([head.size, Buffer.from(head.root)], [entries.length, Buffer.from(frontier.root())])
  return entries.map((entry) => new TextDecoder().decode(entry.bytes))
}

test('two that write to one file never both win, and their log is one', () =>
  inFolder(async (path) => {
    const stores = [await openSqliteStore({ path }), await openSqliteStore({ path })]
    const commits = Array.from({ length: 300 }, (_, i) =>
      stores.map((store, who) =>
        store.commit([{ kind: 'spend', key: `${i}`, until: 9 }, append(`${who} ${i}`)]),
      ),
    ).flat()
    const results = await Promise.allSettled(commits)
    assert.equal(results.filter((each) => each.status === 'fulfilled').length, 300)
    for (const each of results) assert.ok(each.status === 'fulfilled' || each.reason instanceof Conflict)
    for (const store of stores) assert.equal((await assertSound(store)).length, 300)
    await Promise.all(stores.map((store) => store.close()))
  }))

const storm = `
import { openSqliteStore } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
const store = await openSqliteStore({ path: process.argv[1] })
let next = 0
const client = async () => {
  for (;;) {
    const mine = next++
    await store.commit([{ kind: 'append', entry: new TextEncoder().encode(String(mine)) }])
    process.stdout.write(mine + '\\n')
  }
}
await Promise.all(Array.from({ length: 16 }, client))
`

test('whatever was reported as committed is there after the process was killed', () =>
  inFolder(async (path) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', storm, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const reported: string[] = []
    for await (const line of createInterface(child.stdout)) {
      reported.push(line)
      if (reported.length === 1_000) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const store = await openSqliteStore({ path })
    const kept = new Set(await assertSound(store))
    assert.ok(reported.length >= 1_000)
    assert.deepEqual(
      reported.filter((each) => !kept.has(each)),
      [],
    )
    await store.close()
  }))

test('when the writer dies, what waits for it and what comes later is refused', () =>
  inFolder(async (path) => {
    await (await openSqliteStore({ path })).close()
    const writer = new WriterThread(path)
    await writer.ask({ ask: 'ping' })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const waiting = Array.from({ length: 5 }, () => writer.ask({ ask: 'ping' }))
    const refused = Promise.all(waiting.map((each) => assert.rejects(each, { code: 'provider_unavailable' })))
    const ended = writer.end()
    other.close()
    await ended
    await refused
    await assert.rejects(writer.ask({ ask: 'ping' }), { code: 'provider_unavailable' })
  }))

test('the file and its folder are for their owner alone', () =>
  inFolder(async (path) => {
    const store = await openSqliteStore({ path })
    await store.commit([append('entry')])
    for (const file of [path, `${path}-wal`, `${path}-shm`])
      assert.equal(statSync(file).mode & 0o077, 0, file)
    assert.equal(statSync(join(path, '..')).mode & 0o077, 0)
    await store.close()
  }))

test('a file of a newer Mayfly, and one that is no database, are refused with the reason', () =>
  inFolder(async (path) => {
    await (await openSqliteStore({ path })).close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    await assert.rejects(openSqliteStore({ path }), /newer Mayfly/)
    await assert.rejects(openSqliteStore({ path: import.meta.filename }), /not a database/)
  }))

test('a file of before gets its table of static secrets with the next start', () =>
  inFolder(async (path) => {
    await (await openSqliteStore({ path })).close()
    const database = new DatabaseSync(path)
    database.exec('DROP TABLE secret')
    database.close()
    const store = await openSqliteStore({ path })
    assert.deepEqual(await store.secrets(), [])
    await store.close()
  }))

test('a commit that another process holds up waits and is then made', () =>
  inFolder(async (path) => {
    const store = await openSqliteStore({ path })
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const commit = store.commit([append('waits')])
    assert.equal((await store.head()).size, 0)
    other.exec('ROLLBACK')
    other.close()
    await commit
    assert.equal((await store.head()).size, 1)
    await store.close()
  }))

test('a token that another process spent since is known, also after everything before was forgotten', () =>
  inFolder(async (path) => {
    const [one, other] = [await openSqliteStore({ path }), await openSqliteStore({ path })]
    const spend = (store: Store, key: string) => store.commit([{ kind: 'spend', key, until: 10 }])
    for (let i = 0; i < 20; i++) await spend(one, `first ${i}`)
    await spend(other, 'second')
    assert.equal(await one.prune(11, 0, 100), 21)
    await spend(other, 'third')
    await assert.rejects(spend(one, 'third'), Conflict)
    await one.close()
    const again = await openSqliteStore({ path })
    await assert.rejects(spend(again, 'third'), Conflict)
    await spend(again, 'second')
    await Promise.all([other.close(), again.close()])
  }))

test('a group that the database refuses is undone whole, and can be made later', () =>
  inFolder(async (path) => {
    const store = await openSqliteStore({ path })
    const other = new DatabaseSync(path)
    other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON entry BEGIN SELECT raise(ABORT, 'refused'); END`)
    const commit = () => store.commit([{ kind: 'spend', key: 'token', until: 9 }, append('entry')])
    const alone = store.commit([{ kind: 'spend', key: 'other', until: 9 }])
    await assert.rejects(commit(), { code: 'provider_unavailable' })
    await assert.rejects(alone, { code: 'provider_unavailable' })
    other.exec('DROP TRIGGER refuse')
    other.close()
    await commit()
    await store.commit([{ kind: 'spend', key: 'other', until: 9 }])
    assert.deepEqual(await assertSound(store), ['entry'])
    await store.close()
  }))

test('tokens of one group are forgotten each in its time, and no more of them than was told', () =>
  inFolder(async (path) => {
    const store = await openSqliteStore({ path })
    const spend = (key: number) => store.commit([{ kind: 'spend', key: `${key}`, until: 10 + (key % 3) }])
    const spentOf = async () => {
      const all = await Promise.allSettled(Array.from({ length: 90 }, (_, key) => spend(key)))
      return all.filter((each) => each.status === 'rejected').length
    }
    assert.equal(await spentOf(), 0)
    assert.equal(await store.prune(11, 0, 7), 7)
    assert.equal(await store.prune(11, 0, 100), 23)
    assert.equal(await spentOf(), 60)
    assert.equal(await store.prune(12, 0, 40), 40)
    await store.close()
    const again = await openSqliteStore({ path })
    assert.equal(await again.prune(100, 0, 1000), 50)
    await again.close()
  }))
