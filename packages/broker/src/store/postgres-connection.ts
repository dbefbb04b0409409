import pg from 'pg'

/** How long one statement, one wait for another broker and one silence inside a transaction may last, in ms. */
const timeouts = { connect: 5_000, lock: 3_000, statement: 10_000, answer: 15_000 } as const

/** One connection that sends statements without waiting for the answers before; made anew after it broke. */
export class Connection {
  readonly #url: string
  #open: Promise<pg.Client> | undefined

  constructor(url: string) {
    this.#url = url
  }

  /** The open connection, or a new one. */
  client(): Promise<pg.Client> {
    this.#open ??= this.#connect()
    return this.#open
  }

  /** Gives the connection up, so that the next call makes a new one. */
  drop(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    return open?.then((client) => client.end()).catch(() => undefined) ?? Promise.resolve()
  }

  #connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...connectionSettings(this.#url), pipeline: true })
    const opened = client.connect().then(() => client)
    const forget = () => {
      if (this.#open === opened) this.#open = undefined
    }
    client.on('error', forget)
    client.on('end', forget)
    opened.catch(forget)
    return opened
  }
}

/** How each connection behaves: nothing waits without end. */
export function connectionSettings(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'mayfly',
    connectionTimeoutMillis: timeouts.connect,
    query_timeout: timeouts.answer,
    keepAlive: true,
  }
}

/**
 * Opens a transaction that holds the tree's row, so that commits of all brokers are in one order and what is read
 * next stays true until the end. One message. `synchronous_commit`: a role may have it off, and "done" means on disk.
 */
export const beginLocked = `
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL synchronous_commit = on;
SET LOCAL statement_timeout = ${timeouts.statement};
SET LOCAL lock_timeout = ${timeouts.lock};
SET LOCAL idle_in_transaction_session_timeout = ${timeouts.statement};
SELECT size, frontier FROM mayfly.tree FOR UPDATE`
