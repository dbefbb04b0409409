import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../base/failure.ts'
import { parseForm, readForm } from './form.ts'

const type = 'application/x-www-form-urlencoded'
const ask = (body: Buffer | string, headers = {}) => ({
  headers: { 'content-type': type, ...headers },
  query: '',
  body: Buffer.from(body),
})
const isMalformed = (thrown: unknown) => thrown instanceof Failure && thrown.code === 'request_malformed'

test('what URLSearchParams writes is read back, whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ minLength: 1, unit: 'binary' }),
      ),
      (pairs) => {
        const form = parseForm(new URLSearchParams(pairs).toString())
        for (const [name, value] of Object.entries(pairs)) assert.equal(form.get(name), value)
      },
    ),
  )
})

test('any bytes are a form or a malformed request, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        readForm(ask(Buffer.from(bytes)))
      } catch (thrown) {
        assert.ok(isMalformed(thrown))
      }
    }),
  )
})

test('a parameter without a value counts as omitted', () => {
  const form = parseForm('a=&b&c=1')
  assert.equal(form.get('a'), undefined)
  assert.equal(form.get('b'), undefined)
  assert.equal(form.get('c'), '1')
  assert.deepEqual(form.all('a'), [])
})

test('a repeated parameter is refused, also when it is written differently or has no value', () => {
  for (const text of ['a=1&a=2', 'a=1&%61=1', 'a=&a=1', 'a=1&a']) {
    assert.throws(() => parseForm(text), isMalformed, text)
  }
  assert.deepEqual(parseForm('a=1&b=2&a=3&a=', new Set(['a'])).all('a'), ['1', '3'])
})

test('names of the prototype are plain names', () => {
  const form = parseForm('__proto__=1&constructor=2&toString=3')
  assert.equal(form.get('__proto__'), '1')
  assert.equal(form.get('hasOwnProperty'), undefined)
})

test('bytes and escapes that are not UTF-8 are refused', () => {
  assert.throws(() => readForm(ask(Buffer.from([0x61, 0x3d, 0xff]))), isMalformed)
  for (const text of ['a=%FF', 'a=%ED%A0%80', 'a=%C0%80', 'a=%', 'a=%zz', 'a=%4']) {
    assert.throws(() => parseForm(text), isMalformed, text)
  }
})

test('more parameters than any client sends are refused', () => {
  const many = Array.from({ length: 65 }, (_, index) => `p${index}=1`).join('&')
  assert.throws(() => parseForm(many), isMalformed)
})

test('only the form media type is read, in any case and with its one charset', () => {
  for (const good of [type, type.toUpperCase(), `${type}; charset=UTF-8`, `${type};charset="utf-8"`]) {
    assert.equal(readForm(ask('a=1', { 'content-type': good })).get('a'), '1')
  }
  for (const bad of [
    undefined,
    '',
    'application/json',
    'text/plain',
    `${type}; charset=latin1`,
    `x${type}`,
  ]) {
    assert.throws(() => readForm(ask('a=1', { 'content-type': bad })), isMalformed)
  }
  assert.throws(() => readForm(ask('a=1', { 'content-encoding': 'gzip' })), isMalformed)
})
