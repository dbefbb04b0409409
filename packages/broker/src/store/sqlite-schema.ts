import type { DatabaseSync } from 'node:sqlite'

/** Raised when the tables change; a file of a newer Mayfly is refused, an older one is brought up. */
const version = 1

/**
 * Each exchange adds at the right edge of every tree of these tables (ids, jobs and log positions rise with time), so
 * that its cost stays the same however much is kept. One row of `spent` holds all keys of a group of commits that end
 * together; `tree.spends` counts the rows that were ever added to it. Leases that are searched for by their state are few:
 * `lease_rare` is empty but for what a crash or an unreachable system left behind.
 */
const tables = `
CREATE TABLE spent (id INTEGER PRIMARY KEY, keys BLOB NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE INDEX spent_until ON spent (until);
CREATE TABLE lease (
  id TEXT PRIMARY KEY, state TEXT NOT NULL, target TEXT NOT NULL, job TEXT, run TEXT,
  expires_at INTEGER NOT NULL, ended_at INTEGER, ended_by TEXT, body TEXT NOT NULL, handle BLOB NOT NULL
) STRICT;
CREATE INDEX lease_job ON lease (job, id) WHERE job IS NOT NULL;
CREATE INDEX lease_run ON lease (run, id) WHERE run IS NOT NULL;
CREATE INDEX lease_due ON lease (expires_at) WHERE state IN ('pending', 'active');
CREATE INDEX lease_rare ON lease (state, id) WHERE state IN ('pending', 'stuck');
CREATE INDEX lease_ended ON lease (coalesce(ended_at, expires_at)) WHERE state IN ('revoked', 'expired');
CREATE TABLE job (
  key TEXT PRIMARY KEY, issued INTEGER NOT NULL, ended INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX job_until ON job (until);
CREATE TABLE key (
  kid TEXT PRIMARY KEY, purpose TEXT NOT NULL, generation INTEGER NOT NULL, algorithm TEXT NOT NULL,
  public_jwk TEXT NOT NULL, sealed BLOB NOT NULL, created_at INTEGER NOT NULL, signs_from INTEGER NOT NULL,
  signs_until INTEGER, published_until INTEGER, UNIQUE (purpose, generation)
) STRICT;
CREATE TABLE entry (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE hash (
  level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE tree (
  one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, frontier BLOB NOT NULL,
  spends INTEGER NOT NULL
) STRICT;
INSERT INTO tree VALUES (1, 0, x'', 0);
CREATE TABLE checkpoint (
  one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, note TEXT NOT NULL
) STRICT;
`

/**
 * The row that is written to see whether writing works. It came after version 1, and brokers that do not know it work
 * beside it, so it is no new version.
 */
const probeTable = `CREATE TABLE IF NOT EXISTS probe (
  one INTEGER PRIMARY KEY CHECK (one = 1), turn INTEGER NOT NULL, room BLOB NOT NULL
) STRICT`

/** Static secrets, sealed. As the probe, it came later and is no new version. */
const secretTable = `CREATE TABLE IF NOT EXISTS secret (
  name TEXT PRIMARY KEY, envelope BLOB NOT NULL, wrapped_by TEXT NOT NULL, replaced_at INTEGER NOT NULL,
  uses INTEGER NOT NULL, last_used_at INTEGER
) STRICT, WITHOUT ROWID`

/** What is switched off. Younger than version 1 as well; a broker that does not know it would not heed it. */
const switchTable = 'CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID'

/** What jobs used of budgets. Younger than version 1 as well; a broker that does not know it would not count. */
const budgetTable = `CREATE TABLE IF NOT EXISTS budget (
  key TEXT PRIMARY KEY, calls INTEGER NOT NULL, writes INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
  begun INTEGER NOT NULL, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID; CREATE INDEX IF NOT EXISTS budget_until ON budget (until)`

/** Makes the tables where they are not there yet; two processes may try at once. */
export function prepareSchema(database: DatabaseSync): void {
  // What the writer promises rests on these two: a commit is on disk when it returns, and readers never wait.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000')
  database.exec('BEGIN IMMEDIATE')
  try {
    const row = database.prepare('PRAGMA user_version').get()
    const found = Number(row?.['user_version'])
    if (found > version)
      throw new Error(`the database is of a newer Mayfly (schema ${found}, this one knows ${version})`)
    if (found === 0) database.exec(`${tables} PRAGMA user_version = ${version}`)
    database.exec(`${probeTable}; ${secretTable}; ${switchTable}; ${budgetTable}`)
    database.exec('COMMIT')
  } catch (thrown) {
    database.exec('ROLLBACK')
    throw thrown
  }
}
