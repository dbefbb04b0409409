import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { policyOf } from '../test/fixture.ts'
import { targetChanges } from './diff-rules.ts'
import { loadPolicy } from './load.ts'
import { bodyFits, overlap, type RequestRule, readRequestLine, verdictOf } from './requests.ts'

function rule(text: string, more: Partial<RequestRule> = {}): RequestRule {
  const line = readRequestLine(text)
  if (typeof line === 'string') throw new Error(line)
  return { ...line, ...more }
}

const ask = (line: string) => {
  const [method = '', target = ''] = line.split(' ')
  const mark = target.indexOf('?')
  const [path, query] = mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark)]
  return { method, path, query }
}

test('a rule lists the requests of its template and no others', () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    [
      'GET /orders',
      ['GET /orders', 'HEAD /orders', 'GET /orders?a=1', 'GET /%6frders'],
      [
        'POST /orders',
        'GET /orders/',
        'GET /orders/1',
        'GET /Orders',
        'GET /',
        'GET /orders;v=1',
        'get /orders',
      ],
    ],
    [
      'GET|POST /orders/{id}',
      ['GET /orders/7', 'POST /orders/a%20b'],
      [
        'GET /orders/',
        'GET /orders/7/items',
        'GET /orders/7;x',
        'GET /orders/7%3bx',
        'DELETE /orders/7',
        'GET /orders',
      ],
    ],
    [
      '* /files/**',
      ['DELETE /files/a/b', 'GET /files/', 'PATCH /files/a/'],
      ['GET /files', 'GET /files//a', 'GET /files/a//b', 'GET /file'],
    ],
    ['GET /', ['GET /'], ['GET /a', 'GET //']],
    ['GET /v1/*/items', ['GET /v1/x/items'], ['GET /v1//items', 'GET /v1/x/y/items']],
  ]
  for (const [text, good, bad] of cases) {
    for (const each of good) assert.equal(verdictOf(rule(text), ask(each)), 'yes', `${text}: ${each}`)
    for (const each of bad) assert.equal(verdictOf(rule(text), ask(each)), 'no', `${text}: ${each}`)
  }
})

test('what is no rule is told, never read as another', () => {
  for (const text of [
    'GET',
    '/orders',
    'GET orders',
    'get /orders',
    'GET  /orders',
    'GET /a/**/b',
    'GET /a/x**',
    'GET /{id',
    'GET /a?b=1',
    'GET /../a',
    'GET //a',
    'GET|/a',
    '|GET /a',
    'GET /a b',
    'GET /%41',
  ])
    assert.equal(typeof readRequestLine(text), 'string', text)
})

test('a query means the same however much of it is encoded', () => {
  const query = new Map([
    ['a', new Set(['', '1', 'a=b', '~'])],
    ['b', undefined],
  ])
  const part = fc.constantFrom('a', 'b', 'c', '=', '=1', '=a=b', '=~', '&', '')
  const encoded = (text: string) =>
    text.replaceAll(/[a-z0-9~]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const said = parts.join('')
      const verdict = (text: string) => verdictOf(rule('GET /x', { query }), ask(`GET /x?${text}`))
      assert.equal(verdict(said), verdict(encoded(said)), said)
    }),
  )
})

test('where a query is said, other parameters and other values are refused', () => {
  const query = new Map([
    ['dry_run', new Set(['true'])],
    ['page', undefined],
  ])
  const verdict = (target: string) => verdictOf(rule('POST /orders', { query }), ask(`POST ${target}`))
  for (const good of ['/orders?dry_run=true', '/orders?page=3&dry_run=true', '/orders?dry%5frun=tru%65'])
    assert.equal(verdict(good), 'yes', good)
  for (const bad of [
    '/orders',
    '/orders?dry_run=false',
    '/orders?dry_run=true&dry_run=false',
    '/orders?dry_run=true&x=1',
    '/orders?dry_run=true;x=1',
    '/orders?page=1',
  ])
    assert.equal(verdict(bad), 'no', bad)
})

test('where a body is said, its members have one of the values, exactly', () => {
  const limited = rule('POST /orders', {
    body: new Map<string, Set<string | number>>([
      ['/kind', new Set(['standard'])],
      ['/items/0/count', new Set([1, 2])],
    ]),
  })
  assert.equal(verdictOf(limited, ask('POST /orders')), 'body')
  assert.ok(bodyFits(limited, { kind: 'standard', items: [{ count: 2 }], more: true }))
  const wrong: unknown[] = [
    {},
    null,
    [],
    'x',
    { kind: 'standard' },
    { kind: 'express', items: [{ count: 1 }] },
    { kind: 'standard', items: [{ count: '1' }] },
    { kind: ['standard'], items: [{ count: 1 }] },
    { kind: 'standard', items: { '00': { count: 1 } } },
  ]
  for (const body of wrong) assert.equal(bodyFits(limited, body), false, JSON.stringify(body))
  assert.equal(bodyFits(rule('GET /', { body: new Map([['/constructor', new Set(['x'])]]) }), {}), false)
})

const part = fc.constantFrom('a', 'b', '{x}', '*')
const template = fc
  .tuple(
    fc.constantFrom('GET', 'POST', '*', 'GET|POST', 'HEAD'),
    fc.array(part, { minLength: 1, maxLength: 3 }),
    fc.boolean(),
  )
  .map(([methods, parts, rest]) => rule(`${methods} /${[...parts, ...(rest ? ['**'] : [])].join('/')}`))
const request = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE'),
    fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }),
  )
  .map(([method, parts]) => ({ method, path: `/${parts.join('/')}`, query: '' }))

test('two rules that list one request are known to overlap: no guardrail misses one', () => {
  fc.assert(
    fc.property(template, template, request, (a, b, asked) => {
      if (verdictOf(a, asked) === 'yes' && verdictOf(b, asked) === 'yes') assert.ok(overlap(a, b))
    }),
    { numRuns: 3_000 },
  )
  assert.equal(overlap(rule('GET /a/{id}'), rule('POST /a/{id}')), false)
  assert.equal(overlap(rule('GET /a/{id}'), rule('GET /b/**')), false)
  assert.equal(overlap(rule('GET /a'), rule('GET /a/{id}')), false)
})

const text = (who: string, guardrail: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders:
    tier: staging
    token:
      audience: https://orders.example
      scopes:
        read: { access: read, requests: [GET /orders, "GET /orders/{id}"] }
        write: { access: write, requests: [POST /orders, { request: "DELETE /orders/{id}", query: { dry_run: [true] } }] }
grants:
  - { name: it, who: { repo: acme/web, branch: main, ${who} }, get: { target: orders, scopes: [read, write] }, for: 5m }
guardrails:
  - { name: g, never: { environment: agents }, get: ${guardrail} }
`

function problems(policy: string): string {
  const lock = { path: 'policy.lock.yaml', text: 'owners: { acme: 9919 }\nrepos: { acme/web: 40211 }\n' }
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text: policy }], lock)
  return loaded.ok ? '' : loaded.problems.map(({ code, message }) => `${code} ${message}`).join('\n')
}

test('a guardrail over requests is proved over whatever could let them through', () => {
  const broken = '{ request: "POST /**" }'
  assert.match(problems(text('event: push', broken)), /P028/)
  assert.equal(problems(text('environment: live', broken)), '')
  // No scope of the grant lets such a request through.
  assert.equal(
    problems(
      text('event: push', '{ request: PUT /orders }').replace(
        'write: {',
        'put: { access: write, requests: [PUT /orders] }\n        write: {',
      ),
    ),
    '',
  )
  assert.match(problems(text('event: push', '{ request: ["GET /orders/7"] }')), /P028/)
})

test('the scopes of a target keep their access, and say what they let through', () => {
  const policy = policyOf(text('environment: live', '{ target: orders }'))
  const target = policy.targets.get('orders')
  assert.deepEqual(
    [...(target?.scopes ?? [])],
    [
      ['read', 'read'],
      ['write', 'write'],
    ],
  )
  assert.deepEqual(target?.settings, { audience: 'https://orders.example', scopes: ['read', 'write'] })
  assert.deepEqual([...(target?.requests?.keys() ?? [])], ['read', 'write'])
})

test('a scope holds its requests where it says so, and a diff tells that it no longer does', () => {
  const text = (hold: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  api: { tier: dev, token: { audience: "https://api.example", scopes: { act: { access: write, requests: ["POST /a"]${hold} } } } }
grants: [{ name: one, who: { repo: acme/web, branch: main }, get: api, for: 5m }]
`
  const [held, free] = [policyOf(text(', hold: true')), policyOf(text(''))]
  assert.deepEqual([...(held.targets.get('api')?.held ?? [])], ['act'])
  assert.equal(policyOf(text(', hold: false')).targets.get('api')?.held, undefined)
  assert.deepEqual(
    targetChanges(held, free).map(({ change, before, after }) => [change, before, after]),
    [['hold', 'act', '']],
  )
  assert.match(
    JSON.stringify(loadPolicy([{ path: 'a.policy.yaml', text: text(', hold: soon') }], undefined)),
    /`hold` is true or false/,
  )
})
