/** What a route carried, in words for a line of a terminal. Members of entries may be anything: nothing here throws. */

type Members = Readonly<Record<string, unknown>>

/** `GET /orders?page=…`, a statement, or `tools/call search(q, limit)`. */
export function carriedInWords(carried: unknown): string {
  const of = membersOf(carried)
  switch (of['kind']) {
    case 'http':
      return `${text(of['method'])} ${text(of['path'])}${queryOf(of['query'])}`
    case 'statement':
      return text(of['text'])
    case 'tool':
      return `${text(of['server'])} ${toolOf(of)}`
    default:
      return 'something'
  }
}

/** ` -> 200, 120 bytes, 5 ms`; without an outcome nothing is known of an answer. */
export function outcomeInWords(outcome: unknown): string {
  if (outcome === undefined) return ' -> no answer in the log'
  const of = membersOf(outcome)
  const parts = [
    ...(of['status'] === undefined ? [] : [text(of['status'])]),
    ...(of['error'] === undefined ? [] : [`error ${text(of['error'])}`]),
    ...(of['rows'] === undefined ? [] : [`${text(of['rows'])} rows`]),
    ...(of['in'] === undefined || of['in'] === 0 ? [] : [`${text(of['in'])} bytes in`]),
    ...(of['out'] === undefined ? [] : [`${text(of['out'])} bytes out`]),
    ...(of['cut'] === true ? ['cut'] : []),
    `${text(of['ms'])} ms`,
  ]
  return ` -> ${parts.join(', ')}`
}

/** Of all jobs together: entries that are missing belong to nobody. */
export function lostInWords(counts: unknown): string {
  const parts = Object.entries(membersOf(counts)).map(([target, count]) => `${text(count)} of ${target}`)
  return `requests without an entry, of whatever job: ${parts.join(', ')}`
}

function queryOf(query: unknown): string {
  return Array.isArray(query) && query.length > 0
    ? `?${query.map((name) => `${text(name)}=...`).join('&')}`
    : ''
}

function toolOf(of: Members): string {
  const { tool, arguments: names } = of
  if (tool === undefined) return text(of['method'])
  return `${text(tool)}(${Array.isArray(names) ? names.map(text).join(', ') : ''})`
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-'
}
