import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lettersIn } from './automaton.ts'
import { compileGlob, exactlyMany, globFault, words } from './glob.ts'
import {
  anyText,
  contains,
  diff,
  empty,
  everything,
  has,
  inter,
  type Lang,
  listed,
  literals,
  narrows,
  nothing,
  onlyMissing,
  union,
  type Value,
  withMissing,
  witness,
} from './lang.ts'

/** The meaning of a glob, spelled out by trying every split: slow, and written apart from the automata. */
function naive(glob: string, word: string): boolean {
  if (glob === '') return word === ''
  const wild = /^\*+/.exec(glob)?.[0]
  if (wild === undefined) return word !== '' && glob[0] === word[0] && naive(glob.slice(1), word.slice(1))
  const rest = glob.slice(wild.length)
  const forbidden = wild === '**' ? /[:@]/ : /[/:@]/
  for (let length = 0; length <= word.length; length++) {
    if (forbidden.test(word.slice(0, length))) return false
    if (naive(rest, word.slice(length))) return true
  }
  return false
}

/** `*` as a whole segment needs a character. */
function naiveGlob(glob: string, word: string): boolean {
  const parts = glob.split(/([/:@])/)
  const marked = parts.map((part) => (/^\*+$/.test(part) ? `\u0000${part}` : part)).join('')
  return naiveMarked(marked, word)
}

function naiveMarked(glob: string, word: string): boolean {
  const at = glob.indexOf('\u0000')
  if (at === -1) return naive(glob, word)
  const wild = glob.startsWith('**', at + 1) ? '**' : '*'
  const forbidden = wild === '**' ? /[:@]/ : /[/:@]/
  for (let from = 0; from <= word.length; from++) {
    for (let to = from + 1; to <= word.length; to++) {
      if (forbidden.test(word.slice(from, to))) break
      const before = naive(glob.slice(0, at), word.slice(0, from))
      if (before && naiveMarked(glob.slice(at + 1 + wild.length), word.slice(to))) return true
    }
  }
  return false
}

const letters = ['a', 'b', '/', ':', '@', '\u00e9', '\u00ea']
const anyWord = fc.string({ unit: fc.constantFrom(...letters), maxLength: 7 })
const anyGlob = fc
  .array(fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', 'a*b', '/', '/', ':', '@'), { maxLength: 6 })
  .map((parts) => parts.join(''))
  .chain((text) => fc.constantFrom(text, `${text}/**`))
  .filter((text) => globFault(text) === undefined)

const runs = { numRuns: 2000 }

test('a compiled glob accepts exactly what trying every split accepts', () => {
  fc.assert(
    fc.property(anyGlob, anyWord, (glob, word) => has(compileGlob(glob), word) === naiveGlob(glob, word)),
    runs,
  )
})

test('a glob accepts words made from it', () => {
  const filled = anyGlob.chain((glob) =>
    fc.array(fc.constantFrom('a', 'ab', 'ba'), { minLength: 4, maxLength: 4 }).map((fills) => {
      let next = 0
      return { glob, word: glob.replace(/\*+/g, () => fills[next++] ?? 'a') }
    }),
  )
  fc.assert(
    fc.property(filled, ({ glob, word }) => has(compileGlob(glob), word)),
    runs,
  )
})

/** A language, and its meaning as a predicate. */
interface Pair {
  readonly lang: Lang
  readonly member: (value: Value) => boolean
}

const leaf: fc.Arbitrary<Pair> = fc.oneof(
  fc.array(anyWord, { maxLength: 3 }).map(
    (list): Pair => ({
      lang: literals(list),
      member: (value) => value !== undefined && list.includes(value),
    }),
  ),
  anyGlob.map(
    (glob): Pair => ({
      lang: compileGlob(glob),
      member: (value) => value !== undefined && naiveGlob(glob, value),
    }),
  ),
  fc.constantFrom<Pair>(
    { lang: nothing, member: () => false },
    { lang: everything, member: () => true },
    { lang: anyText, member: (value) => value !== undefined },
    { lang: onlyMissing, member: (value) => value === undefined },
  ),
)

const operations: readonly ((a: Pair, b: Pair) => Pair)[] = [
  (a, b) => ({ lang: inter(a.lang, b.lang), member: (value) => a.member(value) && b.member(value) }),
  (a, b) => ({ lang: union(a.lang, b.lang), member: (value) => a.member(value) || b.member(value) }),
  (a, b) => ({ lang: diff(a.lang, b.lang), member: (value) => a.member(value) && !b.member(value) }),
]

const anyPair: fc.Arbitrary<Pair> = fc.letrec<{ pair: Pair }>((tie) => ({
  pair: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc
      .tuple(tie('pair'), tie('pair'), fc.constantFrom(...operations))
      .map(([a, b, operation]) => operation(a, b)),
  ),
})).pair

test('intersection, union and difference mean what they mean for sets, to any depth', () => {
  fc.assert(
    fc.property(anyPair, fc.option(anyWord, { nil: undefined }), ({ lang, member }, value) => {
      assert.equal(has(lang, value), member(value))
    }),
    { numRuns: 4000 },
  )
})

test('literals stay normal: what is taken out was in, what is added was not', () => {
  fc.assert(
    fc.property(anyPair, ({ lang }) => {
      const bare = { ...lang, minus: new Set<string>(), plus: new Set<string>(), missing: false }
      for (const word of lang.minus) assert.ok(has(bare, word))
      for (const word of lang.plus) assert.ok(!has(bare, word))
    }),
    runs,
  )
})

/** Every word of at most three letters, and a missing claim. */
const shortValues: readonly Value[] = [undefined, '']
  .concat(letters)
  .concat(letters.flatMap((a) => letters.map((b) => a + b)))
  .concat(letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c))))

test('a witness is a member, and an empty language has none', () => {
  fc.assert(
    fc.property(anyPair, ({ lang, member }) => {
      const found = witness(lang)
      assert.equal(empty(lang), found === undefined)
      if (found !== undefined) assert.ok(member(found.value), `${found.value} is no member`)
      else assert.ok(!shortValues.some(member))
    }),
    runs,
  )
})

test('containment agrees with every short value', () => {
  fc.assert(
    fc.property(anyPair, anyPair, (a, b) => {
      if (contains(a.lang, b.lang)) {
        assert.ok(shortValues.every((value) => !b.member(value) || a.member(value)))
      } else {
        const found = witness(diff(b.lang, a.lang))
        assert.ok(found !== undefined && b.member(found.value) && !a.member(found.value))
      }
    }),
    runs,
  )
})

test('a witness is found behind any number of forbidden words', () => {
  const single = exactlyMany(lettersIn('abc'), 1)
  assert.deepEqual(witness(diff(single, literals(['a', 'b']))), { value: 'c' })
  assert.ok(empty(diff(single, literals(['a', 'b', 'c']))))
  const other = exactlyMany(lettersIn('\u00e9'), 1)
  const found = witness(diff(other, literals(['\u00e9', '\u00ea', '\u00eb'])))
  assert.ok(found?.value !== undefined && has(other, found.value))
})

test('characters outside printable ASCII are one letter to a pattern and themselves to a literal', () => {
  assert.ok(has(compileGlob('a*'), 'a\u00e9'))
  assert.ok(has(literals(['\u00e9']), '\u00e9'))
  assert.ok(!has(literals(['\u00e9']), '\u00ea'))
  assert.ok(!has(diff(compileGlob('*'), literals(['\u00e9'])), '\u00e9'))
  assert.ok(has(diff(compileGlob('*'), literals(['\u00e9'])), '\u00ea'))
})

test('the globs of the language, one by one', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['v*', 'v1.2.3', true],
    ['v*', 'v', true],
    ['v*', 'v1/2', false],
    ['*', '', false],
    ['*', 'x', true],
    ['*', 'a:b', false],
    ['release/*', 'release/', false],
    ['release/*', 'release/2', true],
    ['release/*', 'release/2/x', false],
    ['release/**', 'release/2/x', true],
    ['release/**', 'release/', false],
    ['release/**', 'release/a:b', false],
    ['release/**', 'release/a@b', false],
    ['a*b/c', 'a--b/c', true],
    ['a*b/c', 'ab/c', true],
    ['a*b/c', 'a/b/c', false],
  ]
  for (const [glob, word, expected] of rows)
    assert.equal(has(compileGlob(glob), word), expected, `${glob} ${word}`)
})

test('what is no glob of the language says why', () => {
  const rows = [
    ['a*b*c', /one `\*` in a segment/],
    ['**/x', /last segment/],
    ['a**', /whole segment/],
    ['x:**', /last segment/],
    ['*/*/*/*', /3 wildcards/],
    ['a?', /not a wildcard/],
  ] as const
  for (const [glob, why] of rows) assert.match(globFault(glob) ?? '', why, glob)
})

test('a long hostile value is walked once', () => {
  const value = `${'a'.repeat(50_000)}!`
  const pattern = compileGlob('a*a/a*a/a*a')
  const cost = process.cpuUsage()
  for (let round = 0; round < 20; round++) assert.ok(!has(pattern, value))
  // 20 walks of 50,000 characters are a few milliseconds; anything that backtracks needs years.
  assert.ok(process.cpuUsage(cost).user < 2_000_000)
})

test('a set that leaves out only a few values says nothing about a claim', () => {
  const domain = words(lettersIn('ab'))
  assert.ok(narrows(literals(['a']), domain))
  assert.ok(narrows(compileGlob('a*'), domain))
  assert.ok(!narrows(diff(domain, literals(['a', 'b'])), domain))
  assert.ok(!narrows(domain, domain))
  assert.ok(!narrows(withMissing(literals(['a']), true), domain))
  assert.ok(!narrows(onlyMissing, domain))
})

test('only sets without patterns and without "missing" are listed', () => {
  assert.deepEqual(listed(literals(['a'])), new Set(['a']))
  assert.deepEqual(listed(inter(compileGlob('a*'), literals(['ab', 'b']))), new Set(['ab']))
  assert.equal(listed(compileGlob('a*')), undefined)
  assert.equal(listed(withMissing(literals(['a']), true)), undefined)
})
