/** cel: the part of the Common Expression Language that attribute conditions are made of, as a tree. */

export type Value =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'field'; readonly name: string }
  | { readonly is: 'list'; readonly items: readonly Value[] }

export type Expression =
  | { readonly is: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly is: 'not'; readonly of: Expression }
  | { readonly is: '==' | '!=' | 'in'; readonly left: Value; readonly right: Value }
  | {
      readonly is: 'startsWith' | 'endsWith' | 'contains' | 'matches'
      readonly left: Value
      readonly right: Value
    }
  | { readonly is: 'has'; readonly left: Value }

const methods = ['startsWith', 'endsWith', 'contains', 'matches'] as const

/** `undefined`: there is something else in it. */
export function parseCel(source: string): Expression | undefined {
  const words = wordsOf(source)
  if (words === undefined) return undefined
  const parser = new Parser(words)
  const found = parser.or()
  return parser.atEnd ? found : undefined
}

/** One value, such as what an attribute is mapped to. */
export function parseCelValue(source: string): Value | undefined {
  const words = wordsOf(source)
  const parser = words && new Parser(words)
  const found = parser?.value()
  return parser?.atEnd ? found : undefined
}

/** Escapes by which a text is another one than its letters say, as `\x2f`. */
const otherEscape = /^['"](?:[^\\]|\\[\\'"`?])*\\[^\\'"`?]/

function wordsOf(source: string): readonly string[] | undefined {
  const word =
    /\s*(r?'(?:[^'\\]|\\.)*'|r?"(?:[^"\\]|\\.)*"|&&|\|\||==|!=|!|[A-Za-z_][A-Za-z0-9_]*|[().,[\]])\s*/y
  const words: string[] = []
  while (word.lastIndex < source.length) {
    const [, found] = word.exec(source) ?? []
    if (found === undefined || otherEscape.test(found)) return undefined
    words.push(found)
  }
  return words
}

class Parser {
  readonly #words: readonly string[]
  #at = 0

  constructor(words: readonly string[]) {
    this.#words = words
  }

  get atEnd(): boolean {
    return this.#at === this.#words.length
  }

  or(): Expression | undefined {
    return this.#chain('||', 'or', () => this.#chain('&&', 'and', () => this.#unary()))
  }

  #chain(sign: string, is: 'and' | 'or', next: () => Expression | undefined): Expression | undefined {
    const of: Expression[] = []
    do {
      const own = next()
      if (own === undefined) return undefined
      of.push(own)
    } while (this.#take(sign))
    return of.length === 1 ? of[0] : { is, of }
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false
    this.#at++
    return true
  }

  #unary(): Expression | undefined {
    if (this.#take('!')) {
      const of = this.#unary()
      return of && { is: 'not', of }
    }
    if (this.#take('(')) {
      const inner = this.or()
      return this.#take(')') ? inner : undefined
    }
    if (this.#words[this.#at] === 'has' && this.#words[this.#at + 1] === '(') {
      this.#at += 2
      const left = this.value()
      return left?.is === 'field' && this.#take(')') ? { is: 'has', left } : undefined
    }
    return this.#comparison()
  }

  #comparison(): Expression | undefined {
    const left = this.value()
    if (left === undefined) return undefined
    if (this.#take('.')) {
      const is = methods.find((name) => this.#take(name))
      if (is === undefined || !this.#take('(')) return undefined
      const right = this.value()
      return right !== undefined && this.#take(')') ? { is, left, right } : undefined
    }
    const is = (['==', '!=', 'in'] as const).find((sign) => this.#take(sign))
    const right = is && this.value()
    return is && right && { is, left, right }
  }

  value(): Value | undefined {
    const word = this.#words[this.#at]
    if (word === undefined) return undefined
    if (/^r?['"]/.test(word)) {
      this.#at++
      return { is: 'text', text: textOf(word) }
    }
    if (this.#take('[')) return this.#list()
    return /^(?:assertion|attribute|google)$/.test(word) ? this.#field() : undefined
  }

  #list(): Value | undefined {
    const items: Value[] = []
    do {
      const item = this.value()
      if (item === undefined) return undefined
      items.push(item)
    } while (this.#take(','))
    return this.#take(']') ? { is: 'list', items } : undefined
  }

  /** `assertion.ref`, `assertion['ref']`: one name deep. */
  #field(): Value | undefined {
    const root = this.#words[this.#at++]
    if (this.#take('[')) {
      const name = this.value()
      return name?.is === 'text' && this.#take(']')
        ? { is: 'field', name: `${root}.${name.text}` }
        : undefined
    }
    if (!this.#take('.')) return undefined
    const name = this.#words[this.#at++] ?? ''
    return /^[a-z_]\w*$/i.test(name) ? { is: 'field', name: `${root}.${name}` } : undefined
  }
}

function textOf(word: string): string {
  if (word.startsWith('r')) return word.slice(2, -1)
  return word.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}
