/**
 * scan/expression: GitHub's expressions, far enough to say which values flow into a text and which are only compared:
 * `secrets.KEY != ''` gives away whether there is a secret, not the secret.
 */

/** `github.event.issue.title` as words; `*` for every one of them, `?` for one that is only known when it runs. */
export interface Reference {
  readonly path: readonly string[]
  /** It is compared or tested, so that only true or false comes out. */
  readonly tested: boolean
}

/** One `${{ ... }}` of a text. */
export interface Expression {
  /** As it stands in the text, braces too. */
  readonly source: string
  /** Which one it is of those that are written the same. */
  readonly number: number
  readonly references: readonly Reference[]
  readonly tree: Tree | undefined
}

export type Tree =
  | { readonly is: 'reference'; readonly path: readonly string[]; readonly inner: readonly Tree[] }
  | { readonly is: 'literal'; readonly text: string }
  | { readonly is: 'call'; readonly name: string; readonly of: readonly Tree[] }
  | { readonly is: 'and' | 'or' | 'not'; readonly of: readonly Tree[] }
  | { readonly is: 'compare'; readonly sign: string; readonly of: readonly Tree[] }

/** Every expression of a text, in its order; one without an end is none, and nothing after it is. */
export function expressionsOf(text: string): readonly Expression[] {
  const counts = new Map<string, number>()
  return sourcesOf(text).map((source) => {
    const number = counts.get(source) ?? 0
    counts.set(source, number + 1)
    const inner = source.slice(3, -2)
    const tree = parseExpression(inner)
    return { source, number, references: tree === undefined ? namesIn(inner) : referencesOf(tree), tree }
  })
}

/** Braces in quotes end nothing. Looks at each character once: the text may be made to cost much. */
function sourcesOf(text: string): readonly string[] {
  const found: string[] = []
  const mark = /'|\}\}/g
  for (let start = text.indexOf('${{'); start >= 0; start = text.indexOf('${{', mark.lastIndex)) {
    mark.lastIndex = start + 3
    let quoted = false
    let end = mark.exec(text)
    for (; end !== null && (quoted || end[0] === "'"); end = mark.exec(text)) {
      if (end[0] === "'") quoted = !quoted
      // In quotes the second brace may begin the real end.
      else mark.lastIndex--
    }
    if (end === null) return found
    found.push(text.slice(start, mark.lastIndex))
  }
  return found
}

/** Of an expression that is too large to be understood: whatever it names may flow. */
function namesIn(text: string): readonly Reference[] {
  const names = text.replaceAll(/'[^']*'/g, ' ').matchAll(/[A-Za-z_][\w-]*(?:\.[\w*-]+)*/g)
  return [...names].map(([name]) => ({ path: name.toLowerCase().split('.'), tested: false }))
}

/** An expression without its braces, as `if:` may have it; `undefined` = GitHub would refuse it. */
export function parseExpression(text: string): Tree | undefined {
  const words = wordsOf(text)
  if (words === undefined || words.length === 0 || words.length > mostWords) return undefined
  const reader = new Reader(words)
  const tree = reader.either()
  return reader.done && tree !== undefined ? tree : undefined
}

/** Stands where a context would in `fromJSON(x).y`. */
const ofCall = '()'

const mostWords = 2000
const mostLevels = 50

/** What `if:` says, with braces around it or not. */
export function conditionOf(text: string): Tree | undefined {
  const inner = /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(text)?.[1]
  return parseExpression(inner === undefined || inner.includes('${{') ? text : inner)
}

function wordsOf(text: string): readonly string[] | undefined {
  const word =
    /\s*('(?:[^']|'')*'|&&|\|\||[=!<>]=|[!<>()[\],.*]|[A-Za-z_][\w-]*|[+-]?(?:0x[\da-fA-F]+|\d[\d.eE+-]*))/y
  const words: string[] = []
  const trimmed = text.trimEnd()
  while (word.lastIndex < trimmed.length) {
    const found = word.exec(trimmed)?.[1]
    if (found === undefined) return undefined
    words.push(found)
  }
  return words
}

/** Each method reads what its name says, or answers `undefined` when something else stands there. */
class Reader {
  readonly #words: readonly string[]
  #at = 0
  #level = 0
  constructor(words: readonly string[]) {
    this.#words = words
  }

  get done(): boolean {
    return this.#at === this.#words.length
  }

  either(): Tree | undefined {
    this.#level++
    const tree = this.#level > mostLevels ? undefined : this.#chain('||', () => this.#both())
    this.#level--
    return tree
  }

  #both(): Tree | undefined {
    return this.#chain('&&', () => this.#compared())
  }

  #chain(sign: '&&' | '||', next: () => Tree | undefined): Tree | undefined {
    const of: Tree[] = []
    do {
      const tree = next()
      if (tree === undefined) return undefined
      of.push(tree)
    } while (this.#take(sign))
    const [only] = of
    return of.length === 1 ? only : { is: sign === '&&' ? 'and' : 'or', of }
  }

  #compared(): Tree | undefined {
    let left = this.#negated()
    for (;;) {
      const sign = this.#words[this.#at] ?? ''
      if (left === undefined || !/^(?:[=!<>]=|[<>])$/.test(sign)) return left
      this.#at++
      const right = this.#negated()
      left = right === undefined ? undefined : { is: 'compare', sign, of: [left, right] }
    }
  }

  #negated(): Tree | undefined {
    let nots = 0
    while (this.#take('!')) nots++
    const tree = this.#value()
    return tree === undefined || nots === 0
      ? tree
      : { is: 'not', of: nots % 2 === 1 ? [tree] : [{ is: 'not', of: [tree] }] }
  }

  #value(): Tree | undefined {
    const word = this.#words[this.#at++]
    if (word === undefined) return undefined
    if (word === '(') {
      const tree = this.either()
      return this.#take(')') ? tree : undefined
    }
    if (word.startsWith("'")) return { is: 'literal', text: word.slice(1, -1).replaceAll("''", "'") }
    if (/^[+\-\d]/.test(word)) return { is: 'literal', text: word }
    if (!/^[A-Za-z_]/.test(word)) return undefined
    if (/^(?:true|false|null|NaN|Infinity)$/.test(word)) return { is: 'literal', text: word }
    return this.#take('(') ? this.#call(word) : this.#members({ is: 'reference', path: [word], inner: [] })
  }

  #call(name: string): Tree | undefined {
    const of: Tree[] = []
    if (!this.#take(')')) {
      do {
        const tree = this.either()
        if (tree === undefined) return undefined
        of.push(tree)
      } while (this.#take(','))
      if (!this.#take(')')) return undefined
    }
    const call: Tree = { is: 'call', name: name.toLowerCase(), of }
    // `fromJSON(x).y`: what is asked of the answer is still of x.
    return this.#members({ is: 'reference', path: [ofCall], inner: [call] }, call)
  }

  #members(start: Extract<Tree, { is: 'reference' }>, bare: Tree = start): Tree | undefined {
    const path = [...start.path]
    const inner = [...start.inner]
    for (;;) {
      if (this.#take('.')) {
        const word = this.#words[this.#at++]
        if (word === undefined || !/^(?:[A-Za-z_]|\*$)/.test(word)) return undefined
        path.push(word)
      } else if (this.#take('[')) {
        const index = this.#take('*') ? undefined : this.either()
        if (!this.#take(']')) return undefined
        if (index !== undefined && index.is !== 'literal') inner.push(index)
        path.push(index === undefined ? '*' : index.is === 'literal' ? index.text : '?')
      } else break
    }
    return path.length === start.path.length ? bare : { is: 'reference', path, inner }
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false
    this.#at++
    return true
  }
}

/** Functions that answer with true, false or a digest. */
const testing = new Set([
  'contains',
  'startswith',
  'endswith',
  'hashfiles',
  'success',
  'failure',
  'always',
  'cancelled',
])

/** Everything that an expression reads. Names are folded: GitHub compares them without case. */
export function referencesOf(tree: Tree, tested = false): readonly Reference[] {
  switch (tree.is) {
    case 'literal':
      return []
    case 'reference': {
      const path = tree.path.map((word) => word.toLowerCase())
      const inner = tree.inner.flatMap((each) => referencesOf(each, tested))
      return path[0] === ofCall ? inner : [{ path, tested }, ...inner]
    }
    case 'call':
      return tree.of.flatMap((each) => referencesOf(each, tested || testing.has(tree.name)))
    case 'and':
      // Of `a && b` the left comes out only where it is empty or false.
      return tree.of.flatMap((each, at) => referencesOf(each, tested || at < tree.of.length - 1))
    case 'or':
      return tree.of.flatMap((each) => referencesOf(each, tested))
    case 'not':
    case 'compare':
      return tree.of.flatMap((each) => referencesOf(each, true))
  }
}
