import type { Client } from 'pg'

/** Raised when the tables change; a database of a newer Mayfly is refused, an older one is brought up. */
const version = 1

/** Any number, the same in every broker: only one prepares the tables at a time. */
const preparing = 7_042_993

/** Almost empty: leases that a crash or an unreachable system left behind, which every sweep looks for. */
const rareIndex = `CREATE INDEX lease_rare ON mayfly.lease (id) WHERE state IN ('pending', 'stuck')`

/** Static secrets, sealed. */
const secretTable = `CREATE TABLE mayfly.secret (
  name text COLLATE "C" PRIMARY KEY, envelope bytea NOT NULL, wrapped_by text NOT NULL, replaced_at bigint NOT NULL,
  uses bigint NOT NULL, last_used_at bigint
)`

/** What is switched off. Younger than version 1 as well. */
const switchTable = 'CREATE TABLE IF NOT EXISTS mayfly.switch (name text COLLATE "C" PRIMARY KEY)'

/** What jobs used of budgets. Younger than version 1 as well. */
const budgetTable = `CREATE TABLE IF NOT EXISTS mayfly.budget (
  key text COLLATE "C" PRIMARY KEY, calls bigint NOT NULL, writes bigint NOT NULL, rows bigint NOT NULL,
  bytes bigint NOT NULL, begun bigint NOT NULL, until bigint NOT NULL
); CREATE INDEX IF NOT EXISTS budget_until ON mayfly.budget (until)`

/** `COLLATE "C"`: ids are ordered by their bytes, whatever language the database sorts in. */
const tables = `
CREATE SCHEMA IF NOT EXISTS mayfly;
CREATE TABLE mayfly.version (version integer NOT NULL);
INSERT INTO mayfly.version VALUES (${version});
CREATE TABLE mayfly.spent (key bytea PRIMARY KEY, until bigint NOT NULL);
CREATE INDEX spent_until ON mayfly.spent (until);
CREATE TABLE mayfly.lease (
  id text COLLATE "C" PRIMARY KEY, state text NOT NULL, target text NOT NULL, job text COLLATE "C",
  run text COLLATE "C", expires_at bigint NOT NULL, ended_at bigint, ended_by text, body text NOT NULL, handle bytea NOT NULL
);
CREATE INDEX lease_job ON mayfly.lease (job, id) WHERE job IS NOT NULL;
CREATE INDEX lease_run ON mayfly.lease (run, id) WHERE run IS NOT NULL;
CREATE INDEX lease_due ON mayfly.lease (expires_at, id) WHERE state IN ('pending', 'active');
CREATE INDEX lease_live ON mayfly.lease (id) WHERE state IN ('pending', 'active', 'stuck');
${rareIndex};
${secretTable};
CREATE INDEX lease_ended ON mayfly.lease (coalesce(ended_at, expires_at))
  WHERE state IN ('revoked', 'expired');
CREATE TABLE mayfly.job (
  key text COLLATE "C" PRIMARY KEY, issued integer NOT NULL, ended boolean NOT NULL, until bigint NOT NULL
);
CREATE INDEX job_until ON mayfly.job (until);
CREATE TABLE mayfly.key (
  kid text COLLATE "C" PRIMARY KEY, purpose text COLLATE "C" NOT NULL, generation integer NOT NULL,
  algorithm text NOT NULL, public_jwk text NOT NULL, sealed bytea NOT NULL, created_at bigint NOT NULL,
  signs_from bigint NOT NULL, signs_until bigint, published_until bigint, UNIQUE (purpose, generation)
);
CREATE TABLE mayfly.entry (idx bigint PRIMARY KEY, leaf bytea NOT NULL, bytes bytea NOT NULL);
CREATE TABLE mayfly.hash (level integer, idx bigint, hash bytea NOT NULL, PRIMARY KEY (level, idx));
CREATE TABLE mayfly.tree (one integer PRIMARY KEY CHECK (one = 1), size bigint NOT NULL, frontier bytea NOT NULL);
INSERT INTO mayfly.tree VALUES (1, 0, '');
CREATE TABLE mayfly.checkpoint (one integer PRIMARY KEY CHECK (one = 1), size bigint NOT NULL, note text NOT NULL);
`

/** Makes the tables where they are not there yet; several brokers may start at once. */
export async function prepareSchema(client: Client): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [preparing])
    const { rows } = await client.query<{ there: boolean; rare: boolean; secret: boolean }>(
      `SELECT to_regclass('mayfly.version') IS NOT NULL AS there,
              to_regclass('mayfly.lease_rare') IS NOT NULL AS rare,
              to_regclass('mayfly.secret') IS NOT NULL AS secret`,
    )
    const [is] = rows
    if (is?.there !== true) await client.query(tables)
    // Brokers that do not know these two work beside them, so they are no new version.
    if (is?.there === true && !is.rare) await client.query(rareIndex)
    if (is?.there === true && !is.secret) await client.query(secretTable)
    await client.query(`${switchTable}; ${budgetTable}`)
    const found = await client.query<{ version: number }>('SELECT version FROM mayfly.version')
    const schema = found.rows[0]?.version
    if (schema !== version) throw new Error(`the database has schema ${schema}, this Mayfly knows ${version}`)
    await client.query('COMMIT')
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw thrown
  }
}
