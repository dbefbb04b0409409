/**
 * What a server would call although no text says so: a function by the name of a column (`o.total` is `total(o)`), by an
 * operator, by a cast, or in the place of one of PostgreSQL's own. The reader of texts knows no catalog, so each session asks
 * once, as the lease's role, before its first statement.
 */
import type { Duplex } from 'node:stream'
import { Failure } from '../../../base/failure.ts'
import { message, written } from './bytes.ts'

/** How a name comes to call something. */
export type Manner = 'function' | 'attribute' | 'operator' | 'type'

export interface Callable {
  readonly schema: string
  readonly name: string
}

/** By manner and name. */
export type Callables = ReadonlyMap<string, readonly Callable[]>

/** What a name in this manner may call. */
export function calledBy(callables: Callables, manner: Manner, name: string): readonly Callable[] {
  return callables.get(`${manner} ${name}`) ?? []
}

/** Extensions are written in C and only compute; what owners write is in a language that reads and writes tables. */
const question = `
WITH f AS (
  SELECT p.oid, n.nspname, p.proname, p.proargtypes[0] AS first, p.pronargs, p.pronargs - p.pronargdefaults AS least
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND l.lanname NOT IN ('c', 'internal'))
SELECT 'function', f.proname, f.nspname, f.proname FROM f
UNION ALL SELECT 'attribute', f.proname, f.nspname, f.proname FROM f JOIN pg_catalog.pg_type t ON t.oid = f.first
  WHERE f.least <= 1 AND f.pronargs >= 1 AND t.typtype IN ('c', 'p', 'd')
UNION ALL SELECT 'operator', o.oprname, f.nspname, f.proname FROM pg_catalog.pg_operator o JOIN f ON f.oid = o.oprcode
UNION ALL SELECT 'type', t.typname, f.nspname, f.proname FROM pg_catalog.pg_cast c JOIN f ON f.oid = c.castfunc
  JOIN pg_catalog.pg_type t ON t.oid IN (c.castsource, c.casttarget)
  WHERE t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace OR NOT EXISTS (SELECT FROM pg_catalog.pg_type o
    WHERE o.oid IN (c.castsource, c.casttarget) AND o.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace)`

const mostRows = 100_000

/** Asks a session that waits for its first statement. Throws `provider_unavailable`: without an answer nothing can be judged. */
export async function askCallables(socket: Duplex): Promise<Callables> {
  socket.write(written('Q', Buffer.from(`${question}\0`)))
  const found = new Map<string, Callable[]>()
  for (let count = 0; count < mostRows; count++) {
    const { type, body } = await message(socket, 65_536)
    if (type === 'Z') return found
    if (type === 'E') throw unanswered()
    if (type !== 'D') continue
    const [manner = '', spoken = '', schema = '', name = ''] = textsOf(body)
    const key = `${manner} ${spoken}`
    const known = found.get(key)
    if (known === undefined) found.set(key, [{ schema, name }])
    else known.push({ schema, name })
  }
  throw unanswered()
}

/** DataRow, text format. */
function textsOf(body: Buffer): readonly string[] {
  const texts: string[] = []
  for (let at = 2; at + 4 <= body.length; ) {
    const length = Math.max(0, body.readInt32BE(at))
    texts.push(body.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return texts
}

function unanswered(): Failure {
  return new Failure('provider_unavailable', {
    reason: 'PostgreSQL: it does not say which functions there are',
  })
}
