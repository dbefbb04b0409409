import { Failure } from '../../../base/failure.ts'
import type { StatementTerms } from '../../route.ts'
import type { Place } from './upstream.ts'

/** What a caller may set as its session begins: how values are written and how long things may take. */
const allowed: ReadonlySet<string> = new Set([
  ...['datestyle', 'intervalstyle', 'timezone', 'extra_float_digits', 'bytea_output', 'client_min_messages'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout'],
])
const utf8 = /^'?utf-?8'?$|^unicode$/i

/** The parameters of the session at the server. `terms`: what the policy says of its statements. Throws `request_malformed` with what is not taken. */
export function sessionParameters(
  wanted: ReadonlyMap<string, string>,
  place: Pick<Place, 'database'>,
  leaseId: string,
  terms: Pick<StatementTerms, 'schema' | 'mayWrite'> | undefined,
): ReadonlyMap<string, string> {
  const found = new Map([
    ...(terms === undefined ? [] : fixedBy(terms)),
    // Statements are read here and there: both have to see the same characters and the same quotes.
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
    ['application_name', applicationName(leaseId, wanted.get('application_name') ?? '')],
  ])
  const user = wanted.get('user') ?? ''
  for (const [name, value] of wanted) {
    const fault = faultOf(name.toLowerCase(), value, user, place)
    if (fault !== undefined) throw new Failure('request_malformed', { detail: fault })
    if (allowed.has(name.toLowerCase())) found.set(name, value)
  }
  return found
}

/**
 * Where statements are judged, names mean what we take them for, and what only reads is held to it by the server as well: a view
 * or an operator may call functions that no text shows.
 */
function fixedBy({
  schema,
  mayWrite,
}: Pick<StatementTerms, 'schema' | 'mayWrite'>): readonly (readonly [string, string])[] {
  const path = ['search_path', `"${(schema ?? '').replaceAll('"', '""')}"`] as const
  return mayWrite ? [path] : [path, ['default_transaction_read_only', 'on']]
}

function faultOf(
  name: string,
  value: string,
  user: string,
  { database }: Pick<Place, 'database'>,
): string | undefined {
  if (allowed.has(name) || name.startsWith('_pq_.') || name === 'user' || name === 'application_name')
    return undefined
  switch (name) {
    case 'database':
      // A client that names none names its user.
      return [database, user, ''].includes(value) ? undefined : 'The route has another database than this.'
    case 'client_encoding':
      return utf8.test(value) ? undefined : 'The encoding of a session is UTF8.'
    case 'standard_conforming_strings':
      return value === 'on' ? undefined : 'standard_conforming_strings is on.'
    case 'replication':
      return /^(?:false|off|no|0)$/i.test(value) ? undefined : 'Replication is not carried.'
    case 'options':
      return value.trim() === '' ? undefined : 'A session takes no `options`; use SET.'
    default:
      return `A session begins without the parameter ${JSON.stringify(name.slice(0, 60))}.`
  }
}

/** The lease first, so that the server's own log says whose session it is; at most 63 bytes. */
function applicationName(leaseId: string, theirs: string): string {
  return `${leaseId} ${theirs.replaceAll(/[^\x20-\x7e]/g, '?')}`.trim().slice(0, 63)
}
