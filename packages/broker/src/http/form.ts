/** `application/x-www-form-urlencoded`, strictly: RFC 6749 3.1, 3.2 and appendix B. */
import { isUtf8 } from 'node:buffer'
import { Failure } from '../base/failure.ts'
import type { Asked } from './answer.ts'

/** Parameters that were sent with a value; one without a value counts as omitted (RFC 6749 3.1). */
export interface Form {
  /** The value, the first one where a parameter may be repeated. */
  get(name: string): string | undefined
  /** Every value; more than one only where a parameter may be repeated. */
  all(name: string): readonly string[]
  /** Of all parameters, those without a value too. */
  names(): readonly string[]
}

/** Far above what any client sends; what is above it is an attack on the map. */
const mostParameters = 64

const none: ReadonlySet<string> = new Set()

/** The form in a request's body. Throws `request_malformed`: wrong media type, not UTF-8, repeated parameter. */
export function readForm(asked: Asked, repeatable: ReadonlySet<string> = none): Form {
  const { headers, body } = asked
  if (!isFormType(headers['content-type'])) {
    throw malformed('The body must be application/x-www-form-urlencoded.')
  }
  if (headers['content-encoding'] !== undefined) throw malformed('The body must not be compressed.')
  if (!isUtf8(body)) throw malformed('The body is not UTF-8.')
  return parseForm(body.toString('utf8'), repeatable)
}

/** Pairs of a form or a query. Throws `request_malformed`. */
export function parseForm(text: string, repeatable: ReadonlySet<string> = none): Form {
  const values = new Map<string, string | readonly string[]>()
  let start = 0
  let count = 0
  while (start < text.length) {
    const found = text.indexOf('&', start)
    const end = found === -1 ? text.length : found
    if (end > start) {
      if (++count > mostParameters) throw malformed('The request has too many parameters.')
      addPair(values, text.slice(start, end), repeatable)
    }
    start = end + 1
  }
  return {
    get: (name) => {
      const value = values.get(name)
      const first = typeof value === 'object' ? value[0] : value
      return first === '' ? undefined : first
    },
    names: () => [...values.keys()],
    all: (name) => {
      const value = values.get(name) ?? []
      return (typeof value === 'string' ? [value] : value).filter((each) => each !== '')
    },
  }
}

function addPair(
  values: Map<string, string | readonly string[]>,
  pair: string,
  repeatable: ReadonlySet<string>,
): void {
  const equals = pair.indexOf('=')
  const name = decode(equals === -1 ? pair : pair.slice(0, equals))
  const value = equals === -1 ? '' : decode(pair.slice(equals + 1))
  const before = values.get(name)
  if (before === undefined) {
    values.set(name, value)
    return
  }
  // EP-6: what two readers could read differently is refused, with and without a value.
  if (!repeatable.has(name)) throw malformed(`${shown(name)} is repeated.`)
  values.set(name, typeof before === 'string' ? [before, value] : [...before, value])
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    // Throws on a broken escape, and on escapes that are not UTF-8.
    return decodeURIComponent(spaced)
  } catch {
    throw malformed('The form has a broken percent escape.')
  }
}

function shown(name: string): string {
  return /^[a-z_]{1,40}$/.test(name) ? name : 'A parameter'
}

function isFormType(value: string | undefined): boolean {
  if (value === 'application/x-www-form-urlencoded') return true
  return /^application\/x-www-form-urlencoded[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i.test(value ?? '')
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
