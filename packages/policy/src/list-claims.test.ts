import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { claimsAsked } from './claims-asked.ts'
import { decide } from './decide.ts'
import { explain } from './explain.ts'
import { loadPolicy } from './load.ts'
import type { Policy } from './policy.ts'
import { formatProblem } from './problem.ts'
import { mayLack } from './recorded.ts'

const head = `version: 1
issuers: { people: { kind: oidc, claims: [email, { groups: [admins, staff, guests] }, { "https://acme.example/roles": [editor] }] } }
targets:
  console: { tier: dev, access: read, token: { audience: "https://console.example" } }
`
const granted = (who: string, more = '') =>
  `${head}grants:\n  - { name: one, who: ${who}, get: console, for: 5m }\n${more}`

function load(text: string): Policy {
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], undefined)
  if (loaded.ok) return loaded.policy
  throw new Error(loaded.problems.map((problem) => formatProblem(problem, text)).join('\n'))
}

const ask = (policy: Policy, claims: Readonly<Record<string, unknown>>) =>
  decide(policy, { issuer: 'people', target: 'console', claims })

test('a list is compared by its values: one of several, or each', () => {
  const cases: readonly [who: string, yes: readonly object[], no: readonly object[]][] = [
    [
      '{ groups: admins }',
      [{ groups: ['admins'] }, { groups: ['x', 'admins', 'admins'] }],
      [{}, { groups: [] }, { groups: ['Admins'] }, { groups: ['staff'] }, { groups: null }],
    ],
    [
      '{ groups: [admins, staff] }',
      [{ groups: ['staff'] }, { groups: ['admins', 'staff'] }],
      [{ groups: ['guests'] }],
    ],
    ['{ groups: { all: [admins, staff] } }', [{ groups: ['staff', 'admins'] }], [{ groups: ['staff'] }]],
    [
      '{ email: a@acme.example, groups: [admins, staff], "https://acme.example/roles": editor }',
      [{ email: 'a@acme.example', groups: ['staff'], 'https://acme.example/roles': ['editor'] }],
      [
        { email: 'a@acme.example', groups: ['staff'] },
        { groups: ['staff'], 'https://acme.example/roles': ['editor'] },
      ],
    ],
  ]
  for (const [who, yes, no] of cases) {
    const policy = load(granted(who))
    for (const claims of yes)
      assert.ok(ask(policy, { ...claims }).allowed, `${who} ${JSON.stringify(claims)}`)
    for (const claims of no)
      assert.ok(!ask(policy, { ...claims }).allowed, `${who} ${JSON.stringify(claims)}`)
  }
})

test('what is no list of texts is refused, whatever it says', () => {
  const policy = load(granted('{ groups: admins }'))
  const many = Array.from({ length: 1001 }, () => 'admins')
  for (const groups of [
    'admins',
    'true',
    true,
    1,
    { admins: true },
    ['admins', 1],
    ['admins', null],
    [['admins']],
    many,
  ]) {
    const decision = ask(policy, { groups })
    assert.ok(!decision.allowed && decision.code === 'intake', JSON.stringify(groups).slice(0, 60))
    assert.match(decision.reason, /groups is not a list of texts/)
  }
  // A claim that is named as a member of the list is none.
  assert.ok(!ask(policy, { 'groups[admins]': 'true' }).allowed)
  assert.ok(!ask(policy, Object.create({ groups: ['admins'] }) as Record<string, unknown>).allowed)
})

test('a deny rule, a test and an explanation speak of the same values', () => {
  const policy = load(
    granted(
      '{ groups: [admins, staff] }',
      `deny:
  - { name: no guests, who: { groups: guests } }
tests:
  - { name: staff, token: { groups: [staff] }, asks: console, expect: grant }
  - { name: nobody, token: { groups: [] }, asks: console, expect: deny, because: groups }
  - { name: guests, token: { groups: [staff, guests] }, asks: console, expect: deny }
`,
    ),
  )
  assert.ok(!ask(policy, { groups: ['admins', 'guests'] }).allowed)
  const request = { issuer: 'people', target: 'console', claims: { groups: ['others'] } }
  assert.match(
    JSON.stringify(explain(policy, request, 'administrator')),
    /groups is \[\], needs \[admins, \.\.\.\]/,
  )
  assert.ok(claimsAsked(policy, 'people', {}).has('groups'))
  const recorded = (groups: unknown, dropped: readonly string[] = []) =>
    mayLack(policy, { issuer: 'people', claims: { groups }, dropped })
  assert.ok(!recorded(['staff']))
  assert.ok(recorded(['staff', '[cut: 70 items]']), 'nobody knows what was cut')
  assert.ok(recorded('[cut: not a text]'))
  assert.ok(mayLack(policy, { issuer: 'people', claims: {}, dropped: ['groups'] }))
})

test('what a list cannot say is refused with what to write', () => {
  const cases: readonly [text: string, fault: RegExp][] = [
    [granted('{ groups: { not: admins } }'), /P022.*compared by its values[\s\S]*deny rule/],
    [granted('{ groups: { like: "adm*" } }'), /P022/],
    [granted('{ groups: { all: [] } }'), /empty/],
    [granted('{ groups: admin }'), /P032.*not declared as a value of `groups`[\s\S]*admins/],
    [granted('{ groups: "adm*" }'), /P003/],
    [granted('{ "groups[admins]": true }'), /is written `groups: admins`/],
    [head.replace('groups: [admins, staff, guests]', 'groups: []'), /declares no values/],
    [head.replace('groups: [admins', '"": [admins'), /can be no claim/],
    [head.replace('{ groups: [admins, staff, guests] }', '"groups[admins]"'), /brackets/],
    [head.replace('groups: [admins', 'aud: [admins'), /P031/],
    [head.replace('[email, ', '[email, groups, '), /declared twice/],
    [head.replace('groups: [admins, staff', 'groups: [admins, admins'), /declared twice/],
  ]
  for (const [text, fault] of cases) assert.throws(() => load(text), fault, text)
})

/** Every token that differs to a policy of these words. */
const names = ['admins', 'staff', 'guests'] as const
const tokens = Array.from({ length: 8 }, (_, bits) =>
  names.filter((_, at) => (bits >> at) % 2 === 1),
).flatMap((groups) =>
  ['a', 'b', undefined].map((email) => ({ groups, ...(email === undefined ? {} : { email }) })),
)

type Token = (typeof tokens)[number]
interface Who {
  readonly email?: string
  readonly any?: readonly string[]
  readonly all?: readonly string[]
}

const some = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
const who: fc.Arbitrary<Who> = fc.oneof(
  fc.record({ any: some }),
  fc.record({ all: some }),
  fc.record({ email: fc.constantFrom('a', 'b') }),
  fc.record({ email: fc.constantFrom('a', 'b'), any: some }),
)

const fits = ({ email, any, all }: Who, token: Token): boolean =>
  (email === undefined || token.email === email) &&
  (any === undefined || any.some((value) => token.groups.some((group) => group === value))) &&
  (all === undefined || all.every((value) => token.groups.some((group) => group === value)))

const written = ({ email, any, all }: Who): string => {
  const groups = any === undefined ? all && `{ all: [${all.join()}] }` : `[${any.join()}]`
  const parts = [
    email === undefined ? '' : `email: ${email}`,
    groups === undefined ? '' : `groups: ${groups}`,
  ]
  return `{ ${parts.filter((part) => part !== '').join(', ')} }`
}

test('decisions and proofs agree with looking at every token', () => {
  const counts = { held: 0, broken: 0 }
  const rules = fc.record({
    grants: fc.array(who, { minLength: 1, maxLength: 3 }),
    deny: fc.option(who, { nil: undefined }),
    guard: who,
    rule: fc.constantFrom('never', 'only', 'always'),
  })
  fc.assert(
    fc.property(rules, ({ grants, deny, guard, rule }) => {
      const list = (items: readonly string[]) => items.map((item) => `  - ${item}\n`).join('')
      const text = (guarded: boolean) =>
        `${head}grants:\n${list(grants.map((each, at) => `{ name: g${at}, who: ${written(each)}, get: console, for: 5m }`))}` +
        (deny === undefined ? '' : `deny:\n${list([`{ name: d, who: ${written(deny)} }`])}`) +
        (guarded ? `guardrails:\n${list([`{ name: guard, ${rule}: ${written(guard)}, get: console }`])}` : '')
      const files = (guarded: boolean) => [{ path: 'a.policy.yaml', text: text(guarded) }]
      const loaded = loadPolicy(files(false), undefined)
      fc.pre(loaded.ok)
      if (!loaded.ok) return
      const given = (token: Token) =>
        grants.some((each) => fits(each, token)) && !(deny !== undefined && fits(deny, token))
      for (const token of tokens)
        assert.equal(ask(loaded.policy, token).allowed, given(token), JSON.stringify(token))
      const breaks = (token: Token) =>
        rule === 'always'
          ? fits(guard, token) && !given(token)
          : given(token) && fits(guard, token) === (rule === 'never')
      const checked = loadPolicy(files(true), undefined)
      const faults = checked.ok ? [] : checked.problems.filter(({ severity }) => severity === 'error')
      const codes = faults.map(({ code }) => code)
      assert.deepEqual(
        codes.filter((code) => code !== 'P028'),
        [],
        text(true),
      )
      assert.equal(codes.includes('P028'), tokens.some(breaks), text(true))
      counts[codes.length > 0 ? 'broken' : 'held']++
    }),
    { numRuns: 1500 },
  )
  assert.ok(counts.held > 50 && counts.broken > 50, JSON.stringify(counts))
})
