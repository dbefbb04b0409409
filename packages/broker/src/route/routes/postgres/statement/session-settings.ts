/** Parameters of a session that change how values are written and how long things may take, and nothing else. */
const free: ReadonlySet<string> = new Set([
  ...['datestyle', 'intervalstyle', 'timezone', 'extra_float_digits', 'bytea_output', 'client_min_messages'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout'],
  ...['transaction_timeout', 'synchronize_seqscans', 'row_security', 'quote_all_identifiers'],
])

/** Those that may have one value alone: with another, names or texts would mean something else than we read. */
const fixed: Readonly<Record<string, readonly string[]>> = {
  client_encoding: ['utf8', 'utf-8', 'unicode'],
  standard_conforming_strings: ['on', 'true'],
  search_path: [''],
  default_transaction_read_only: ['on', 'true'],
  transaction_read_only: ['on', 'true'],
}

const shown: ReadonlySet<string> = new Set([
  ...free,
  ...Object.keys(fixed),
  ...['server_version', 'server_version_num', 'server_encoding', 'is_superuser', 'max_identifier_length'],
  ...['transaction_isolation', 'in_hot_standby', 'integer_datetimes', 'lc_collate', 'lc_ctype'],
])

/** `value`: in lower case; `undefined` where it becomes what it was at the start of the session. */
export function maySet(name: string, value: string | undefined): boolean {
  const known = name.toLowerCase()
  if (free.has(known)) return true
  // At the start of the session the route has set it.
  if (value === undefined) return Object.hasOwn(fixed, known) && known !== 'transaction_read_only'
  return Object.hasOwn(fixed, known) && fixed[known]?.includes(value) === true
}

export function mayShow(name: string): boolean {
  return shown.has(name.toLowerCase())
}
