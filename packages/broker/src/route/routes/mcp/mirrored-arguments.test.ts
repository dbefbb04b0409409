import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disagreement, hasOthers, type Mirror, mirrorsIn } from './mirrored-arguments.ts'

const region = { type: 'string', 'x-mcp-header': 'Region' }
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })

test('mirrors are found down the properties, and nowhere else', () => {
  const nested = object({ at: object({ region }), limit: { type: 'integer', 'x-mcp-header': 'X-Limit' } })
  assert.deepEqual(mirrorsIn(nested), [
    { header: 'mcp-param-region', path: ['at', 'region'] },
    { header: 'mcp-param-x-limit', path: ['limit'] },
  ])
  const asData = object({ a: { type: 'object', default: region, enum: [region] }, 'x-mcp-header': {} })
  for (const none of [undefined, true, [], object({}), asData]) assert.deepEqual(mirrorsIn(none), [])
})

const faulty: readonly [string, unknown][] = [
  ['on the whole', { ...object({}), 'x-mcp-header': 'Region' }],
  ['on the items of a list', object({ all: { type: 'array', items: region } })],
  ['in one of several', object({}, { oneOf: [object({ region })] })],
  ['behind a reference', object({ region: { $ref: '#/$defs/region' } }, { $defs: { region } })],
  ['under a name by pattern', object({}, { patternProperties: { 'x-.*': region } })],
  ['in properties that are none', { type: 'object', properties: [region] }],
  ['in a schema that is a list', [region]],
  ['of a number that is no integer', object({ n: { type: 'number', 'x-mcp-header': 'N' } })],
  ['of an object', object({ n: { type: 'object', 'x-mcp-header': 'N' } })],
  ['of no type', object({ n: { 'x-mcp-header': 'N' } })],
  ['no token', object({ n: { type: 'string', 'x-mcp-header': 'N:\r\nHost' } })],
  ['empty', object({ n: { type: 'string', 'x-mcp-header': '' } })],
  ['no text', object({ n: { type: 'string', 'x-mcp-header': 7 } })],
  ['two alike', object({ a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } })],
]
for (const [what, schema] of faulty)
  test(`an annotation ${what} is a fault of the tool`, () => {
    assert.ok('fault' in mirrorsIn(schema))
  })

test('a schema that nests for ever is a fault, and is told', () => {
  let schema: object = { 'x-mcp-header': 'Deep', type: 'string' }
  for (let depth = 0; depth < 2_000; depth += 1) schema = object({ a: schema })
  assert.ok('fault' in mirrorsIn(schema))
})

const mirror: readonly Mirror[] = [{ header: 'mcp-param-region', path: ['at', 'region'] }]
const coded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`
const cases: readonly [said: string | undefined, argument: unknown, agrees: boolean][] = [
  ['eu', 'eu', true],
  ['eu', 'EU', false],
  ['\u00e9', '\u00e9', false],
  [coded('eu'), 'eu', true],
  [coded('é\n'), 'é\n', true],
  [coded(''), '', true],
  ['=?base64?ZXU?=', 'eu', false],
  ['=?base64?//79?=', '\ufffd\ufffd\ufffd', false],
  ['=?base64?ZXU=?=', '=?base64?ZXU=?=', false],
  [undefined, 'eu', false],
  [undefined, undefined, true],
  [undefined, null, true],
  ['eu', undefined, false],
  ['null', null, false],
  ['42', 42, true],
  ['42.0', 42, true],
  ['-7', -7, true],
  ['42', '42', true],
  ['0x2a', 42, false],
  ['4.2e1', 42, false],
  [' 42', 42, false],
  ['9007199254740993', 9007199254740992, false],
  ['0.5', 0.5, false],
  ['true', true, true],
  ['True', true, false],
  ['1', true, false],
  ['[object Object]', {}, false],
  ['a', ['a'], false],
]
for (const [said, argument, agrees] of cases)
  test(`the header ${said} ${agrees ? 'is' : 'is not'} the argument ${JSON.stringify(argument)}`, () => {
    const headers = said === undefined ? {} : { 'mcp-param-region': said }
    assert.equal(disagreement(mirror, headers, { at: { region: argument } }) === undefined, agrees)
  })

test('an argument is a member of its own, not one of all objects', () => {
  const inherited: readonly Mirror[] = [{ header: 'mcp-param-a', path: ['constructor', 'name'] }]
  assert.equal(disagreement(inherited, {}, {}), undefined)
})

test('headers that no argument asked for are told from those that one did', () => {
  assert.equal(hasOthers(mirror, { 'mcp-param-region': 'eu', 'mcp-name': 'x' }), false)
  assert.equal(hasOthers(mirror, { 'mcp-param-zone': 'eu' }), true)
})
