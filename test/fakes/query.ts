import pg from 'pg'

/** Runs one text of statements in a session of its own, which ends with it. */
export async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  // A session that is cut says so also after its statement was refused.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end().catch(() => undefined)
  }
}
