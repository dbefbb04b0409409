/**
 * requests: what a scope means at the door of an API. A scope lists requests: methods, a template of a path, values of
 * the query, values of members of a JSON body. What no scope lists is refused. Grants give scopes, so whatever is proved
 * of scopes is proved of requests. Pure; the policy's reader makes the rules, whoever carries requests asks them.
 */

/** A JSON value that a member may have. */
export type Scalar = string | number | boolean

type Segment =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'one' }
  | { readonly is: 'rest' }

/** One line of a scope. */
export interface RequestRule {
  /** As it was written, `GET /orders/{id}`. */
  readonly text: string
  /** Upper case; empty = any. `GET` means `HEAD` too (RFC 9110 9.3.2). */
  readonly methods: ReadonlySet<string>
  readonly path: readonly Segment[]
  /** By name: the values that it may have. Where it is said, no other parameter is let through. */
  readonly query?: ReadonlyMap<string, ReadonlySet<string> | undefined>
  /** By JSON pointer (RFC 6901): the values that the member has to have one of. */
  readonly body?: ReadonlyMap<string, ReadonlySet<Scalar>>
}

/** A request as it will be forwarded. */
export interface RequestAsked {
  readonly method: string
  /** As sent, with its percent signs. */
  readonly path: string
  /** With its question mark, or empty. */
  readonly query: string
}

/** What a rule says of a request: `body` = yes, if its body is what the rule wants. */
export type Verdict = 'yes' | 'no' | 'body'

const methodName = /^[A-Z][A-Z-]{0,30}$/
const literal = /^[A-Za-z0-9._~!$&'()*+,;=:@-]+$/

/** Reads `GET /orders/{id}`, `GET|POST /orders`, `* /files/**`. Answers with what is wrong as a text. */
export function readRequestLine(text: string): Pick<RequestRule, 'text' | 'methods' | 'path'> | string {
  const [said = '', path = '', ...more] = text.split(' ')
  if (more.length > 0 || !path.startsWith('/')) return 'write a method and a path: `GET /orders/{id}`'
  const methods = said === '*' ? [] : said.split('|')
  const wrong = methods.find((method) => !methodName.test(method))
  if (wrong !== undefined) return `\`${wrong}\` is no method; write it in capitals, or * for any`
  const segments: Segment[] = []
  const parts = path.slice(1).split('/')
  for (const [at, part] of parts.entries()) {
    if (part === '**' && at === parts.length - 1) segments.push({ is: 'rest' })
    else if (part === '*' || /^\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(part)) segments.push({ is: 'one' })
    else if (
      (part === '' && at === parts.length - 1) ||
      (literal.test(part) && !part.includes('**') && !/^\.\.?$/.test(part))
    )
      segments.push({ is: 'text', text: part })
    else return `\`${part}\` is no part of a path: a name, {any} for one part, ** at the end for all below`
  }
  return { text, methods: new Set(methods), path: segments }
}

/** A rule as a reader of a change sees it. */
export function requestText({ text, query, body }: RequestRule): string {
  const limits = [
    ...[...(query ?? [])].map(
      ([name, values]) => `?${name}=${values === undefined ? '*' : [...values].join('|')}`,
    ),
    ...[...(body ?? [])].map(
      ([pointer, values]) => `${pointer}=${[...values].map((value) => JSON.stringify(value)).join('|')}`,
    ),
  ]
  return [text, ...limits.toSorted()].join(' ')
}

/** Whether the head of a request is one that the rule lists. */
export function verdictOf(rule: RequestRule, asked: RequestAsked): Verdict {
  if (!hasMethod(rule, asked.method) || !hasPath(rule.path, asked.path)) return 'no'
  if (rule.query !== undefined && !hasQuery(rule.query, asked.query)) return 'no'
  return rule.body === undefined ? 'yes' : 'body'
}

/** Whether a JSON body is one that the rule wants. */
export function bodyFits({ body }: RequestRule, json: unknown): boolean {
  for (const [pointer, values] of body ?? []) {
    const found = memberAt(json, pointer)
    const fits = typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean'
    if (!fits || !values.has(found)) return false
  }
  return true
}

/** Whether some request is listed by both, as far as method and path tell. */
export function overlap(a: RequestRule, b: RequestRule): boolean {
  const methods =
    a.methods.size === 0 ||
    b.methods.size === 0 ||
    [...a.methods].some((each) => hasMethod(b, each)) ||
    [...b.methods].some((each) => hasMethod(a, each))
  return methods && pathsOverlap(a.path, b.path)
}

/** Whether it can change something, by its method alone (RFC 9110 9.2.1). */
export function changesSomething({ methods }: RequestRule): boolean {
  return methods.size === 0 || [...methods].some((method) => !safe.has(method))
}

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function hasMethod({ methods }: RequestRule, method: string): boolean {
  return methods.size === 0 || methods.has(method) || (method === 'HEAD' && methods.has('GET'))
}

function hasPath(template: readonly Segment[], path: string): boolean {
  const parts = path.slice(1).split('/')
  if (path.includes('%')) for (const [at, part] of parts.entries()) parts[at] = decoded(part)
  for (const [at, segment] of template.entries()) {
    // What is below: an empty part in the middle is read in two ways by two servers.
    if (segment.is === 'rest') {
      const below = parts.slice(at)
      return below.length > 0 && below.every((part, i) => part !== '' || i === below.length - 1)
    }
    const part = parts[at]
    if (part === undefined) return false
    // `a;b` is `a` to some servers: a part with a parameter is no part that a rule means.
    if (segment.is === 'one' ? part === '' || part.includes(';') : part !== segment.text) return false
  }
  return parts.length === template.length
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return '\u0000'
  }
}

function pathsOverlap(a: readonly Segment[], b: readonly Segment[]): boolean {
  for (let at = 0; ; at++) {
    const [one, other] = [a[at], b[at]]
    if (one?.is === 'rest' || other?.is === 'rest') return true
    if (one === undefined || other === undefined) return one === other
    if (one.is === 'text' && other.is === 'text' && one.text !== other.text) return false
  }
}

/** Each parameter is one of those that are named, once, with one of its values. Servers differ in what `;` means. */
function hasQuery(wanted: ReadonlyMap<string, ReadonlySet<string> | undefined>, query: string): boolean {
  if (query.includes(';')) return false
  const seen = new Set<string>()
  for (const [name, value] of parameters(query)) {
    const values = wanted.get(name)
    if (!wanted.has(name) || seen.has(name) || (values !== undefined && !values.has(value))) return false
    seen.add(name)
  }
  return [...wanted].every(([name, values]) => values === undefined || seen.has(name))
}

/** By the rules of forms (URL standard 5.1); what needs no decoding is read without a parser. */
function parameters(query: string): Iterable<readonly [name: string, value: string]> {
  if (!/^\?[A-Za-z0-9_.~=&-]*$/.test(query)) return new URLSearchParams(query)
  const found: [string, string][] = []
  for (const pair of query.slice(1).split('&')) {
    const mark = pair.indexOf('=')
    if (pair !== '') found.push(mark === -1 ? [pair, ''] : [pair.slice(0, mark), pair.slice(mark + 1)])
  }
  return found
}

/** RFC 6901 4; `undefined` where there is none. */
function memberAt(json: unknown, pointer: string): unknown {
  let found: unknown = json
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(found)) found = /^(0|[1-9][0-9]*)$/.test(name) ? found[Number(name)] : undefined
    else if (typeof found === 'object' && found !== null && Object.hasOwn(found, name))
      found = (found as Readonly<Record<string, unknown>>)[name]
    else return undefined
  }
  return found
}
