/** Rows as columns: one statement for any number of rows. */
export const insert = {
  spent: 'INSERT INTO mayfly.spent (key, until) SELECT * FROM unnest($1::bytea[], $2::bigint[])',
  lease: `INSERT INTO mayfly.lease SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],
    $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::bytea[])`,
  moves: `UPDATE mayfly.lease SET state = move.state, ended_at = coalesce(move.ended_at, lease.ended_at),
      ended_by = coalesce(move.ended_by, lease.ended_by), handle = coalesce(move.handle, lease.handle)
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bytea[])
      AS move (id, state, ended_at, ended_by, handle)
    WHERE lease.id = move.id`,
  jobs: `INSERT INTO mayfly.job (key, issued, ended, until)
    SELECT * FROM unnest($1::text[], $2::integer[], $3::boolean[], $4::bigint[])
    ON CONFLICT (key) DO UPDATE SET issued = excluded.issued, ended = excluded.ended, until = excluded.until`,
  budgets: `INSERT INTO mayfly.budget (key, calls, writes, rows, bytes, begun, until)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    ON CONFLICT (key) DO UPDATE SET calls = excluded.calls, writes = excluded.writes, rows = excluded.rows,
      bytes = excluded.bytes, until = excluded.until`,
  switchOff: 'INSERT INTO mayfly.switch SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING',
  switchOn: 'DELETE FROM mayfly.switch WHERE name = ANY($1::text[])',
  entries: `INSERT INTO mayfly.entry (idx, leaf, bytes)
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])`,
  hashes: `INSERT INTO mayfly.hash (level, idx, hash)
    SELECT * FROM unnest($1::integer[], $2::bigint[], $3::bytea[])`,
  key: 'INSERT INTO mayfly.key VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
  retire: 'UPDATE mayfly.key SET signs_until = $1, published_until = $2 WHERE kid = $3',
  checkpoint: `INSERT INTO mayfly.checkpoint (one, size, note) VALUES (1, $1, $2)
    ON CONFLICT (one) DO UPDATE SET size = excluded.size, note = excluded.note
    WHERE excluded.size >= checkpoint.size`,
} as const

/** What is kept of static secrets changes one row at a time. */
export const secrets = {
  put: `INSERT INTO mayfly.secret (name, envelope, wrapped_by, replaced_at, uses) VALUES ($1, $2, $3, $4, 0)
    ON CONFLICT (name) DO UPDATE SET envelope = excluded.envelope, wrapped_by = excluded.wrapped_by,
      replaced_at = excluded.replaced_at`,
  rewrap: 'UPDATE mayfly.secret SET envelope = $1, wrapped_by = $2 WHERE name = $3 AND envelope = $4',
  use: `UPDATE mayfly.secret SET uses = uses + $1, last_used_at = greatest(last_used_at, $2) WHERE name = $3`,
  remove: 'DELETE FROM mayfly.secret WHERE name = $1',
} as const

/** Oldest first, so that a limit never leaves the same rows behind. */
export const prunes = {
  spent: `DELETE FROM mayfly.spent WHERE key IN
    (SELECT key FROM mayfly.spent WHERE until < $1 ORDER BY until LIMIT $2)`,
  jobs: `DELETE FROM mayfly.job WHERE key IN
    (SELECT key FROM mayfly.job WHERE until < $1 ORDER BY until LIMIT $2)`,
  budgets: `DELETE FROM mayfly.budget WHERE key IN
    (SELECT key FROM mayfly.budget WHERE until < $1 ORDER BY until LIMIT $2)`,
  leases: `DELETE FROM mayfly.lease WHERE id IN
    (SELECT id FROM mayfly.lease WHERE state IN ('revoked', 'expired') AND coalesce(ended_at, expires_at) < $1
     ORDER BY coalesce(ended_at, expires_at) LIMIT $2)`,
} as const
