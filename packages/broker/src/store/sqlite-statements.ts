import type { DatabaseSync } from 'node:sqlite'

/** Every statement that the writer runs, prepared once. Those that change rows are run by `get`, which makes no result. */
export function writerStatements(database: DatabaseSync) {
  const prepare = (sql: string) => database.prepare(sql)
  return {
    tree: prepare('SELECT size, frontier, spends FROM tree'),
    setTree: prepare('UPDATE tree SET size = ?, frontier = ?, spends = ?'),
    leaseState: prepare('SELECT state FROM lease WHERE id = ?'),
    create: prepare('INSERT INTO lease VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    move: prepare(
      `UPDATE lease SET state = ?, ended_at = coalesce(?, ended_at), ended_by = coalesce(?, ended_by),
         handle = coalesce(?, handle)
       WHERE id = ?`,
    ),
    job: prepare('SELECT issued, ended FROM job WHERE key = ?'),
    countJob: prepare(
      `INSERT INTO job (key, issued, ended, until) VALUES (?, 1, 0, ?)
       ON CONFLICT (key) DO UPDATE SET issued = issued + 1, until = max(until, excluded.until)`,
    ),
    endJob: prepare(
      `INSERT INTO job (key, issued, ended, until) VALUES (?, 0, 1, ?)
       ON CONFLICT (key) DO UPDATE SET ended = 1,
         until = CASE ended WHEN 1 THEN max(until, excluded.until) ELSE excluded.until END`,
    ),
    switches: prepare('SELECT name FROM switch'),
    switchOff: prepare('INSERT INTO switch VALUES (?) ON CONFLICT DO NOTHING'),
    switchOn: prepare('DELETE FROM switch WHERE name = ?'),
    budget: prepare('SELECT calls, writes, rows, bytes, begun, until FROM budget WHERE key = ?'),
    setBudget: prepare('INSERT OR REPLACE INTO budget VALUES (?, ?, ?, ?, ?, ?, ?)'),
    hasKey: prepare('SELECT 1 FROM key WHERE (purpose = ? AND generation = ?) OR kid = ?'),
    createKey: prepare('INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    retireKey: prepare('UPDATE key SET signs_until = ?, published_until = ? WHERE kid = ?'),
    append: prepare('INSERT INTO entry (idx, leaf, bytes) VALUES (?, ?, ?)'),
    addHash: prepare('INSERT INTO hash (level, idx, hash) VALUES (?, ?, ?)'),
    setCheckpoint: prepare(
      `INSERT INTO checkpoint (one, size, note) VALUES (1, ?, ?)
       ON CONFLICT (one) DO UPDATE SET size = excluded.size, note = excluded.note
       WHERE excluded.size >= checkpoint.size`,
    ),
    putSecret: prepare(
      `INSERT INTO secret (name, envelope, wrapped_by, replaced_at, uses) VALUES (?, ?, ?, ?, 0)
       ON CONFLICT (name) DO UPDATE SET envelope = excluded.envelope, wrapped_by = excluded.wrapped_by,
         replaced_at = excluded.replaced_at`,
    ),
    rewrapSecret: prepare('UPDATE secret SET envelope = ?, wrapped_by = ? WHERE name = ? AND envelope = ?'),
    useSecret: prepare(
      'UPDATE secret SET uses = uses + ?, last_used_at = max(coalesce(last_used_at, 0), ?) WHERE name = ?',
    ),
    removeSecret: prepare('DELETE FROM secret WHERE name = ?'),
    pruneJobs: prepare(
      'DELETE FROM job WHERE key IN (SELECT key FROM job WHERE until < ? ORDER BY until LIMIT ?)',
    ),
    pruneBudgets: prepare(
      'DELETE FROM budget WHERE key IN (SELECT key FROM budget WHERE until < ? ORDER BY until LIMIT ?)',
    ),
    pruneLeases: prepare(
      `DELETE FROM lease WHERE id IN (
         SELECT id FROM lease WHERE state IN ('revoked', 'expired') AND coalesce(ended_at, expires_at) < ?
         ORDER BY coalesce(ended_at, expires_at) LIMIT ?)`,
    ),
  }
}
