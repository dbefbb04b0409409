import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStrictObject } from './strict-json.ts'

type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value }

const forbidden = ['__proto__', 'constructor', 'prototype']
/** Any Unicode text, also quotes, backslashes and what looks like JSON; no control characters. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'u', '0', 'a', ' ') }),
  )
  .filter((value) => !/[\u0000-\u001f\u007f]/.test(value) && value.isWellFormed())
const name = text.filter((value) => !forbidden.includes(value))
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  text,
)
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}))
const object = fc.dictionary(name, value, { maxKeys: 6 })

/** A value as text, its strings spelt with or without escapes and with white space between. */
function spelled(of: Value, next: () => number): string {
  const space = () => [' ', '', '\n', '\t\r'][next() % 4] ?? ''
  if (typeof of === 'string') return spelledString(of, next)
  if (of === null || typeof of !== 'object') return JSON.stringify(of)
  const items = isList(of)
    ? of.map((each) => spelled(each, next))
    : Object.entries(of).map(
        ([key, each]) => `${spelledString(key, next)}${space()}:${space()}${spelled(each, next)}`,
      )
  const inside = items.map((each) => space() + each + space()).join(',')
  return isList(of) ? `[${inside}]` : `{${inside}}`
}

function isList(of: Value): of is readonly Value[] {
  return Array.isArray(of)
}

function spelledString(of: string, next: () => number): string {
  const units = Array.from({ length: of.length }, (_, i) => of.charAt(i))
  const escaped = units.map((unit) =>
    next() % 3 === 0
      ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
      : JSON.stringify(unit).slice(1, -1),
  )
  // JSON.stringify escapes half a pair; whole ones are left as they are.
  return next() % 2 === 0 ? JSON.stringify(of) : `"${escaped.join('')}"`
}

const choices = fc.infiniteStream(fc.nat({ max: 11 })).map((stream) => () => Number(stream.next().value))

test('an object without duplicates is read as JSON.parse reads it, however it is spelt', () => {
  fc.assert(
    fc.property(object, choices, (members, next) => {
      const written = spelled(members, next)
      const parsed = parseStrictObject(written)
      assert.equal(JSON.stringify(parsed), JSON.stringify(JSON.parse(written)))
      assert.equal(Object.getPrototypeOf(parsed), null)
    }),
    { numRuns: 1000 },
  )
})

test('a member that stands twice is refused at any depth, however it is spelt', () => {
  fc.assert(
    fc.property(
      object.filter((members) => Object.keys(members).length > 0),
      fc.nat(),
      value,
      fc.array(fc.constantFrom('list', 'object'), { maxLength: 6 }),
      choices,
      (members, which, again, around, next) => {
        const names = Object.keys(members)
        const twice = names[which % names.length] ?? ''
        const member = `${spelledString(twice, next)}:${spelled(again, next)}`
        const inner = spelled(members, next)
        let written = next() % 2 === 0 ? `{${member},${inner.slice(1)}` : `${inner.slice(0, -1)},${member}}`
        for (const each of around)
          written = each === 'list' ? `[1,${written},{}]` : `{"x":{},"y":${written},"z":[]}`
        written = `{"a":${written},"b":"{\\"a\\":1}"}`
        JSON.parse(written)
        assert.throws(() => parseStrictObject(written), /^TypeError: a member that stands twice$/)
      },
    ),
    { numRuns: 1000 },
  )
})

test('any text is read as an object that JSON.parse agrees with, or refused with a TypeError', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"b"',
    '"',
    '\\',
    '\\u0061',
    '1',
    '-',
    'null',
    ' ',
    '1e999',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const written = parts.join('')
      try {
        assert.equal(JSON.stringify(parseStrictObject(written)), JSON.stringify(JSON.parse(written)))
      } catch (thrown) {
        assert.ok(thrown instanceof TypeError, String(thrown))
      }
    }),
    { numRuns: 5000 },
  )
})

test('the same name in two objects is no duplicate', () => {
  for (const written of [
    '{"a":{"a":1},"b":{"a":1}}',
    '{"a":[{"a":1},{"a":2}],"b":["a","a"]}',
    '{"a":"b","b":"a"}',
  ])
    assert.equal(JSON.stringify(parseStrictObject(written)), written)
})

test('names of JavaScript’s own are refused at any depth, inherited ones are not there', () => {
  for (const each of [...forbidden, '__\\u0070roto__']) {
    for (const written of [`{"${each}":1}`, `{"a":[{"${each}":{}}]}`])
      assert.throws(() => parseStrictObject(written), /name that none may have/)
  }
  assert.equal(parseStrictObject('{}')['toString'], undefined)
  assert.equal(parseStrictObject('{"toString":1,"hasOwnProperty":2}')['toString'], 1)
})

test('depth, members and lists have limits', () => {
  const lists = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  const objects = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
  for (const nested of [lists, objects]) {
    assert.ok(parseStrictObject(nested(16)))
    for (const depth of [17, 100, 100_000])
      assert.throws(() => parseStrictObject(nested(depth)), /nested too deeply/)
  }
  const members = (count: number) => `{${Array.from({ length: count }, (_, i) => `"m${i}":0`).join(',')}}`
  assert.ok(parseStrictObject(members(256)))
  assert.throws(() => parseStrictObject(members(257)), /too many members/)
  assert.ok(parseStrictObject(`{"a":[${Array.from({ length: 256 }, () => 0).join(',')}]}`))
  assert.throws(
    () => parseStrictObject(`{"a":[${Array.from({ length: 257 }, () => 0).join(',')}]}`),
    /too long/,
  )
})

test('numbers that are not finite, lone surrogates and control characters are refused', () => {
  for (const number of ['1e400', '-1e400', '1E999'])
    assert.throws(() => parseStrictObject(`{"a":[${number}]}`), /finite/)
  for (const lone of ['\\ud800', '\\udc00', '\\udc00\\ud800', 'a\\ud83d']) {
    assert.throws(() => parseStrictObject(`{"a":"${lone}"}`), /lone surrogate/)
    assert.throws(() => parseStrictObject(`{"${lone}":1}`), /lone surrogate/)
  }
  for (const control of ['\\n', '\\u0000', '\\u001b', '\\u007f', '\\t', '\u007f']) {
    assert.throws(() => parseStrictObject(`{"a":["${control}"]}`), /control character/)
    assert.throws(() => parseStrictObject(`{"b":{"${control}":1}}`), /control character/)
  }
  assert.equal(parseStrictObject('{"a":"\\ud83d\\ude80"}')['a'], '\u{1f680}')
})

test('only an object is an object, and no message quotes the text', () => {
  for (const written of [
    '',
    '[]',
    'null',
    '1',
    '"{}"',
    '{} x',
    '{}{}',
    "{'a':1}",
    '{"a":1,}',
    '\ufeff{}',
    '{"secret-value"',
  ])
    assert.throws(
      () => parseStrictObject(written),
      (thrown) => thrown instanceof TypeError && !/secret/.test(thrown.message),
    )
})
