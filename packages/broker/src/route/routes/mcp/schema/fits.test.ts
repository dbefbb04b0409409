import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { argumentsFault } from './fits.ts'

const fits = (schema: unknown, given: unknown) => argumentsFault(schema, given) === undefined

/** Not written out: an object with `then` is taken for a promise where it is returned. */
function choice<Part>(...parts: readonly [Part, Part, Part]): Readonly<Record<string, Part>> {
  const entries = (['if', 'then', 'else'] as const).map((name, at) => [name, parts[at]] as const)
  return Object.fromEntries(entries.filter(([, part]) => part !== undefined)) as Record<string, Part>
}

/** Keyword by keyword: a schema, what fits, what does not. */
const table: readonly [schema: unknown, good: readonly unknown[], bad: readonly unknown[]][] = [
  [{ type: 'object' }, [{}], [[], null, 'a', 1]],
  [{ type: ['integer', 'null'] }, [1, 1.0, -0, null], [1.5, '1', true]],
  [{ type: 'number' }, [1, 1.5], ['1', null]],
  [{ enum: ['a', { b: [1] }] }, ['a', { b: [1] }], ['b', { b: [1, 2] }, { b: [1], c: 1 }]],
  [{ const: { a: 1, b: 2 } }, [{ b: 2, a: 1.0 }], [{ a: 1 }, { a: 1, b: '2' }]],
  [{ properties: { a: { type: 'string' } } }, [{ a: 'x' }, {}, { b: 1 }, 7], [{ a: 1 }]],
  [{ required: ['a'] }, [{ a: undefined }, { a: null }, []], [{}, { b: 1 }]],
  [{ required: ['constructor', 'toString'] }, [], [{}]],
  [{ properties: { constructor: { type: 'string' } } }, [{}], [{ constructor: 1 }]],
  [{ properties: { a: true }, additionalProperties: false }, [{}, { a: 1 }], [{ b: 1 }, { a: 1, b: 1 }]],
  [{ additionalProperties: { type: 'integer' } }, [{ a: 1 }], [{ a: 'x' }]],
  [{ propertyNames: { maxLength: 2 } }, [{ ab: 1 }], [{ abc: 1 }]],
  [{ required: [''], dependentRequired: { a: [''] } }, [{ '': 1, a: 1 }], [{}, { a: 1 }]],
  [{ minProperties: 1, maxProperties: 2 }, [{ a: 1 }, 'x'], [{}, { a: 1, b: 1, c: 1 }]],
  [{ dependentRequired: { a: ['b'] } }, [{ a: 1, b: 1 }, { b: 1 }], [{ a: 1 }]],
  [{ dependentSchemas: { a: { required: ['b'] } } }, [{ a: 1, b: 1 }, {}], [{ a: 1 }]],
  [{ items: { type: 'string' } }, [[], ['a'], {}], [['a', 1]]],
  [{ prefixItems: [{ type: 'string' }], items: false }, [['a'], []], [['a', 1], [1]]],
  [{ items: [{ type: 'string' }], additionalItems: { type: 'integer' } }, [['a', 1]], [['a', 'b'], [1]]],
  [{ contains: { const: 1 } }, [[1], [2, 1], {}], [[], [2]]],
  [{ contains: { const: 1 }, minContains: 0, maxContains: 1 }, [[], [1, 2]], [[1, 1]]],
  [{ minItems: 1, maxItems: 2 }, [[1], 'x'], [[], [1, 2, 3]]],
  [
    { uniqueItems: true },
    [[1, 2, '1'], [{ a: 1 }, { a: 2 }], []],
    [
      [1, 1.0],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
  ],
  [{ minimum: 1, maximum: 2 }, [1, 2, 1.5, '0'], [0.99, 2.01]],
  [{ exclusiveMinimum: 1, exclusiveMaximum: 2 }, [1.5], [1, 2]],
  [{ minimum: 1, exclusiveMinimum: true }, [1], [0]],
  [{ multipleOf: 0.01 }, [1.13, 4.35, 0, -2], [1.135]],
  [{ minLength: 2, maxLength: 2 }, ['ab', '👍👍', 7], ['a', '👍', '👍👍👍']],
  [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1], [0, 3]],
  [{ anyOf: [{ type: 'string' }, { minimum: 2 }] }, ['a', 2], [1]],
  [{ oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }] }, [2, 3], [6, 5]],
  [{ not: { type: 'string' } }, [1], ['a']],
  [choice({ type: 'string' }, { minLength: 2 }, { minimum: 2 }), ['ab', 2], ['a', 1]],
  [{ if: { type: 'string' } }, ['a', 1], []],
  [choice(undefined, false, false), [1], []],
  [{ $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'string' } } }, ['a'], [1]],
  [{ $ref: '#/$defs/a%25b', $defs: { 'a%b': { type: 'string' } } }, ['a'], [1]],
  [{ $ref: '#/allOf/0', allOf: [{ type: 'string' }] }, ['a'], [1]],
  [
    { properties: { next: { $ref: '#' } }, required: ['id'] },
    [{ id: 1, next: { id: 2, next: { id: 3 } } }],
    [{ id: 1, next: { next: { id: 3 } } }],
  ],
  [true, [1, {}], []],
  [false, [], [1, {}]],
  [{ title: 'a', default: 1, format: 'email', 'x-mcp-header': 'A', toString: 1, $comment: 'c' }, ['a'], []],
  [
    { pattern: '^(a+)+$', patternProperties: { '^x-': false }, additionalProperties: false },
    ['b', { 'x-a': 1 }],
    [],
  ],
  [undefined, [1, {}], []],
]

for (const [schema, good, bad] of table)
  test(`what fits ${JSON.stringify(schema)}, and what does not`, () => {
    for (const given of good) assert.equal(argumentsFault(schema, given), undefined, JSON.stringify(given))
    for (const given of bad) assert.ok(!fits(schema, given), JSON.stringify(given))
  })

test('a fault says where and what, and nothing of the value', () => {
  const schema = {
    properties: { items: { items: { properties: { count: { type: 'integer' } }, required: ['sku'] } } },
    additionalProperties: false,
  }
  const faultOf = (given: unknown) => argumentsFault(schema, given)
  assert.equal(faultOf({ items: [{ sku: 1, count: 'hunter2' }] }), '/items/0/count must be integer.')
  assert.equal(faultOf({ items: [{ sku: 1 }, {}] }), '/items/1 must have `sku`.')
  assert.equal(faultOf({ note: 'hunter2' }), '/note must not be there.')
  assert.equal(argumentsFault({ enum: ['a', 'b'] }, 'hunter2'), 'The arguments must be one of ["a","b"].')
  assert.equal(argumentsFault({ maxLength: 3 }, 'hunter2'), 'The arguments must be shorter (3).')
  assert.ok(String(faultOf({ ['n'.repeat(9_000)]: 1 })).length < 300)
})

const faultySchemas: readonly [unknown, RegExp][] = [
  [7, /no schema/],
  [[], /no schema/],
  [{ properties: { a: 7 } }, /no schema/],
  [{ properties: [] }, /an object is missing/],
  [{ required: 'a' }, /a list is missing/],
  [{ allOf: {} }, /a list is missing/],
  [{ minLength: '1' }, /a number is missing/],
  [{ type: 'str' }, /a type that there is not/],
  [{ $ref: 'https://schemas.example/a.json' }, /not followed here/],
  [{ $ref: 'file:///etc/passwd' }, /not followed here/],
  [{ $ref: '#anchor' }, /not followed here/],
  [{ $ref: 7 }, /not followed here/],
  [{ $dynamicRef: '#a' }, /not followed here/],
  [{ $ref: '#/$defs/none' }, /refers to what it does not have/],
  [{ $ref: '#/constructor' }, /refers to what it does not have/],
  [{ $ref: '#/%zz' }, /a reference that is none/],
  [{ $ref: '#' }, /too deep/],
  [{ allOf: [{ $ref: '#' }, { $ref: '#' }] }, /too deep/],
]

for (const [schema, why] of faultySchemas)
  test(`a schema is at fault: ${JSON.stringify(schema)}`, () => {
    const found = argumentsFault(schema, { a: 'text' }) ?? argumentsFault(schema, 'text')
    assert.match(String(found), /^The tool's own schema is at fault: /)
    assert.match(String(found), why)
  })

test('what would take for ever is refused', () => {
  const twice = (inner: object) => ({ anyOf: [{ allOf: [inner, false] }, { allOf: [inner, false] }] })
  let bomb: object = { type: 'string' }
  for (let level = 0; level < 60; level += 1) bomb = twice(bomb)
  let deep: object = {}
  for (let level = 0; level < 10_000; level += 1) deep = { not: deep }
  const many = Array.from({ length: 5_000 }, (_, at) => ({ at, pad: 'x' }))
  const names = Array.from({ length: 3_000 }, (_, at) => `n${at}`)
  const wide = {
    items: { required: names, properties: Object.fromEntries(names.map((name) => [name, true])) },
  }
  const each = Array.from({ length: 2_000 }, () => ({ minProperties: 0 }))
  const costly: readonly [unknown, unknown][] = [
    [bomb, 'text'],
    [deep, 1],
    [{ uniqueItems: true }, many],
    [wide, names.map(() => Object.fromEntries(names.slice(0, 1).map((name) => [name, 1])))],
    [{ allOf: each }, Object.fromEntries(names.map((name) => [name, 1]))],
    [{ allOf: each.map(() => ({ minLength: 0 })) }, 'x'.repeat(100_000)],
    [{ enum: names.map(() => many) }, many.with(4_999, { at: 0, pad: 'y' })],
  ]
  for (const [schema, given] of costly)
    assert.match(
      String(argumentsFault(schema, given)),
      /schema is at fault: it (takes too long|is too deep)|must/,
    )
})

const numbered = (size: number) => Object.fromEntries(Array.from({ length: size }, (_, at) => [`k${at}`, 0]))
/** What one step of a schema may make us read, however cheap its answer is. */
const heavy: readonly [what: string, part: object, given: unknown][] = [
  ['words of an enumeration', { enum: [Array.from({ length: 30_000 }, () => 0)] }, {}],
  ['keywords that there are not', { not: {}, ...numbered(7_000) }, {}],
  ['members to compare with', { const: numbered(7_000) }, {}],
  ['members that it does not know', { additionalProperties: false }, numbered(10_000)],
  ['names of members', { propertyNames: false }, numbered(10_000)],
]
for (const [what, part, given] of heavy)
  test(`what is read again and again is paid for again: ${what}`, () => {
    const again = Array.from({ length: 500 }, () => ({ $ref: '#/$defs/part' }))
    const fault = argumentsFault({ anyOf: again, $defs: { part } }, given)
    assert.match(String(fault), /schema is at fault: it takes too long to check/)
  })

test('a reference may lead into a list, and to nothing else that a list has', () => {
  const of = ($ref: string) => argumentsFault({ $ref, allOf: [true, { type: 'object' }] }, {})
  assert.equal(of('#/allOf/1'), undefined)
  for (const none of ['#/allOf/2', '#/allOf/length', '#/allOf/-1', '#/allOf/'])
    assert.match(String(of(none)), /it refers to what it does not have/)
})

/** Schemas of what both know, and values that come near them. */
const text = fc.constantFrom('a', 'b', 'ab', '', '👍')
/** None is empty: a missing member without a name is no missing one to the other validator. */
const memberName = fc.constantFrom('a', 'b', 'ab', '👍')
const number = fc.constantFrom(0, 1, 2, 3, 1.5, -1)
const { value: made } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    ...[text, number, fc.boolean(), fc.constant(null)],
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
}))
/** Ordinary objects, as `JSON.parse` makes them. */
const value = made.map((one) => JSON.parse(JSON.stringify(one)) as unknown)
const size = fc.constantFrom(0, 1, 2, 3)
const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
  const list = fc.array(tie('schema'), { minLength: 1, maxLength: 2 })
  const map = fc.dictionary(text, tie('schema'), { maxKeys: 2 })
  const names = fc.uniqueArray(memberName, { maxLength: 2 })
  const type = fc.constantFrom('object', 'array', 'string', 'integer', 'number', 'boolean', 'null')
  const some = {
    ...{ type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })), const: value },
    ...{
      enum: fc.uniqueArray(value, {
        minLength: 1,
        maxLength: 3,
        comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b),
      }),
    },
    ...{
      properties: map,
      required: names,
      additionalProperties: tie('schema'),
      propertyNames: tie('schema'),
    },
    ...{
      minProperties: size,
      maxProperties: size,
      dependentRequired: fc.dictionary(text, names, { maxKeys: 2 }),
    },
    ...{ dependentSchemas: map, prefixItems: list, items: tie('schema'), contains: tie('schema') },
    ...{ minItems: size, maxItems: size, uniqueItems: fc.boolean(), minLength: size, maxLength: size },
    ...{ minimum: number, maximum: number, exclusiveMinimum: number, exclusiveMaximum: number },
    ...{ multipleOf: fc.constantFrom(1, 2, 0.5), allOf: list, anyOf: list, oneOf: list, not: tie('schema') },
    ...{
      ...choice(tie('schema'), tie('schema'), tie('schema')),
      $ref: fc.constantFrom('#/$defs/a', '#/$defs/b'),
    },
  }
  return {
    schema: fc.oneof({ maxDepth: 3 }, fc.boolean(), fc.record(some, { requiredKeys: [] }).map(fewOf)),
  }
})

/** A schema of all keywords at once fits nothing. */
function fewOf(all: object): object {
  const entries = Object.entries(all)
  const step = Math.max(1, Math.floor(entries.length / 3))
  return Object.fromEntries(entries.filter((_, at) => at % step === 0))
}

test('its verdicts are those of a validator that many use', () => {
  const ajv = new Ajv2020({ strict: false, validateSchema: false })
  let [good, bad] = [0, 0]
  fc.assert(
    fc.property(schema, value, value, (given, one, other) => {
      const $defs = { a: { type: 'string' }, b: { minProperties: 1 } }
      const whole = typeof given === 'object' ? { ...given, $defs } : given
      const validate = ajv.compile(whole as object)
      for (const each of [one, other]) {
        const expected = validate(each)
        if (expected) good += 1
        else bad += 1
        assert.equal(fits(whole, each), expected, JSON.stringify({ whole, each }))
      }
      ajv.removeSchema()
    }),
    { numRuns: 1_500 },
  )
  assert.ok(good > 100 && bad > 100, `${good} fit, ${bad} do not`)
})
