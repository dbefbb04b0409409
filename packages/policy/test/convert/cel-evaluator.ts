/**
 * Attribute conditions, evaluated by CEL's definition: a missing claim is an error, an error is not true, and `||` and `&&`
 * pass over an error on one side if the other decides. Its own reader: it shares nothing with the importer's.
 */
import type { Claims } from './jobs.ts'

type Found = boolean | string | readonly string[] | Failed
class Failed {}

export function celAllows(
  condition: string,
  claims: Claims,
  attributes: Readonly<Record<string, string>> = {},
): boolean {
  const reader = new Reader(condition, claims, attributes)
  const found = reader.or()
  reader.end()
  return found === true
}

class Reader {
  #rest: string
  readonly #claims: Claims
  readonly #attributes: Readonly<Record<string, string>>

  constructor(source: string, claims: Claims, attributes: Readonly<Record<string, string>>) {
    this.#rest = source.trim()
    this.#claims = claims
    this.#attributes = attributes
  }

  end(): void {
    if (this.#rest !== '') throw new Error(`not CEL: ${this.#rest}`)
  }

  #eat(pattern: RegExp): RegExpExecArray | undefined {
    const found = pattern.exec(this.#rest)
    if (found === null || found.index !== 0) return undefined
    this.#rest = this.#rest.slice(found[0].length).trimStart()
    return found
  }

  or(): Found {
    let left = this.#and()
    while (this.#eat(/^\|\|/)) {
      const right = this.#and()
      left = left === true || right === true ? true : left === false && right === false ? false : new Failed()
    }
    return left
  }

  #and(): Found {
    let left = this.#not()
    while (this.#eat(/^&&/)) {
      const right = this.#not()
      left = left === false || right === false ? false : left === true && right === true ? true : new Failed()
    }
    return left
  }

  #not(): Found {
    if (this.#eat(/^!(?!=)/)) {
      const inner = this.#not()
      return typeof inner === 'boolean' ? !inner : new Failed()
    }
    return this.#relation()
  }

  #relation(): Found {
    const left = this.#member()
    const sign = this.#eat(/^(==|!=|in\b)/)?.[1]
    if (sign === undefined) return left
    const right = this.#member()
    if (left instanceof Failed || right instanceof Failed) return new Failed()
    if (sign === 'in') return Array.isArray(right) ? right.includes(left as string) : new Failed()
    return (left === right) === (sign === '==')
  }

  #member(): Found {
    let found = this.#primary()
    for (let call = this.#call(); call !== undefined; call = this.#call()) {
      const argument = this.or()
      if (!this.#eat(/^\)/)) throw new Error(`not CEL: ${this.#rest}`)
      found =
        typeof found === 'string' && typeof argument === 'string'
          ? applied(call, found, argument)
          : new Failed()
    }
    return found
  }

  #call(): string | undefined {
    return this.#eat(/^\.(startsWith|endsWith|contains|matches)\(/)?.[1]
  }

  #primary(): Found {
    if (this.#eat(/^\(/)) {
      const inner = this.or()
      if (!this.#eat(/^\)/)) throw new Error(`not CEL: ${this.#rest}`)
      return inner
    }
    const has = this.#eat(/^has\(assertion\.(\w+)\)/)
    if (has) return this.#claims[has[1] ?? ''] !== undefined
    const text = this.#eat(/^'((?:[^'\\]|\\.)*)'|^"((?:[^"\\]|\\.)*)"/)
    if (text) return (text[1] ?? text[2] ?? '').replaceAll(/\\(.)/g, '$1')
    if (this.#eat(/^\[/)) return this.#list()
    const field = this.#eat(/^(assertion|attribute|google)(?:\.(\w+)|\['(\w+)'\])/)
    if (!field) throw new Error(`not CEL: ${this.#rest}`)
    const name = field[2] ?? field[3] ?? ''
    const value = field[1] === 'assertion' ? this.#claims[name] : this.#mapped(`${field[1]}.${name}`)
    return value ?? new Failed()
  }

  #mapped(name: string): string | undefined {
    const expression = this.#attributes[name]
    const found = expression === undefined ? undefined : new Reader(expression, this.#claims, {}).or()
    return typeof found === 'string' ? found : undefined
  }

  #list(): readonly string[] {
    const items: string[] = []
    do items.push(String(this.#primary()))
    while (this.#eat(/^,/))
    this.#eat(/^\]/)
    return items
  }
}

function applied(call: string, value: string, argument: string): boolean {
  if (call === 'matches') return new RegExp(argument, 'u').test(value)
  if (call === 'startsWith') return value.startsWith(argument)
  return call === 'endsWith' ? value.endsWith(argument) : value.includes(argument)
}
