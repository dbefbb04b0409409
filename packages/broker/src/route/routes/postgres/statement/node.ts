/**
 * The parser's tree as it comes: each node an object with its kind as the only member, or its bare members where the
 * place says the kind. Nothing in it is believed to be there.
 */
export type Members = Readonly<Record<string, unknown>>

/** Something that rules cannot judge: a kind of node or a member of one that nobody thought of. */
export class Unread extends Error {
  readonly what: string

  constructor(what: string) {
    super(what)
    this.name = 'Unread'
    this.what = what
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Members of a node whose kind its place says. Throws `Unread`. */
export function membersOf(value: unknown): Members {
  if (isMembers(value)) return value
  throw new Unread('a part that is not there')
}

/** A node with its kind. Throws `Unread`. */
export function nodeOf(value: unknown): { readonly kind: string; readonly members: Members } {
  const [entry, second] = isMembers(value) ? Object.entries(value) : []
  if (entry === undefined || second !== undefined) throw new Unread('a part without a kind')
  return { kind: entry[0], members: membersOf(entry[1]) }
}

/** A list of nodes; nothing is an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw new Unread('a part that is no list')
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The text of a `String` node. Throws `Unread`. */
export function stringOf(value: unknown): string {
  const { kind, members } = nodeOf(value)
  const text = members['sval'] ?? ''
  if (kind === 'String' && typeof text === 'string') return text
  throw new Unread(`${kind} where a name belongs`)
}

/** Throws `Unread` when a node has a member that is not among these. */
export function only(kind: string, members: Members, known: readonly string[]): void {
  for (const name of Object.keys(members))
    if (!known.includes(name) && !places.has(name)) throw new Unread(`a part of it (${kind}.${name})`)
}

/** Where something stands in the text, which says nothing about what it does. */
export const places: ReadonlySet<string> = new Set([
  ...['location', 'list_start', 'list_end', 'rexpr_list_start', 'rexpr_list_end', 'name_location'],
  ...['stmt_location', 'stmt_len'],
])
