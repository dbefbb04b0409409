/** Lists of claims where two policies are compared, in role matrices, and in a policy that was compiled: against every token. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePolicy, policyOf } from './compiled.ts'
import { conditionsOf } from './conditions.ts'
import { decide, decideByRules } from './decide.ts'
import { diffPolicies } from './diff.ts'
import { explain } from './explain.ts'
import { loadPolicy } from './load.ts'
import type { Policy } from './policy.ts'
import { reach, who } from './reach.ts'
import { schemas } from './read/issuers.ts'
import { tighten } from './tighten.ts'

const groups = ['admins', 'staff', 'guests'] as const
const tokens = Array.from({ length: 8 }, (_, bits) =>
  groups.filter((_, at) => (bits >> at) % 2 === 1),
).flatMap((had) =>
  ['a', undefined].map((email) => ({ groups: had, ...(email === undefined ? {} : { email }) })),
)
type Token = (typeof tokens)[number]

const some = fc.uniqueArray(fc.constantFrom(...groups), { minLength: 1, maxLength: 2 })
const conditions = fc.oneof(
  some.map((any) => `{ groups: [${any.join(', ')}] }`),
  some.map((all) => `{ groups: { all: [${all.join(', ')}] } }`),
  some.map((any) => `{ email: a, groups: [${any.join(', ')}] }`),
  fc.constant('{ email: a }'),
)
const policies = fc.record({
  grants: fc.array(fc.tuple(conditions, fc.constantFrom('5m', '10m')), { minLength: 1, maxLength: 3 }),
  deny: fc.option(conditions, { nil: undefined }),
  extra: fc.boolean(),
})

/** It declares what it uses: of two policies each may know of values, and of lists, that the other does not. */
function written({
  grants,
  deny,
  extra,
}: typeof policies extends fc.Arbitrary<infer One> ? One : never): string {
  const rules =
    `grants:\n${grants.map(([said, time], at) => `  - { name: g${at}, who: ${said}, get: console, for: ${time} }\n`).join('')}` +
    (deny === undefined ? '' : `deny:\n  - { name: d, who: ${deny} }\n`)
  const used = groups.filter((group) => extra || rules.includes(group))
  const lists = used.length === 0 ? '' : `, { groups: [${used.join(', ')}] }`
  return `version: 1
issuers: { people: { kind: oidc, claims: [email${lists}] } }
targets: { console: { tier: dev, access: read, token: { audience: "https://console.example" } } }
${rules}`
}

function load(text: string): Policy {
  const loaded = loadPolicy([{ path: 'a.policy.yaml', text }], undefined)
  // A grant that a deny rule takes back whole is a fault.
  fc.pre(loaded.ok || loaded.problems.some(({ code, severity }) => severity === 'error' && code !== 'P021'))
  assert.ok(loaded.ok, text)
  return loaded.policy
}

const secondsOf = (policy: Policy, claims: Token): number => {
  const decision = decideByRules(policy, { issuer: 'people', target: 'console', claims })
  return decision.allowed ? decision.seconds : 0
}

test('a comparison tells of exactly what some token gains, loses, or has for another time', () => {
  const seen = { gained: 0, lost: 0, same: 0 }
  fc.assert(
    fc.property(policies, fc.option(policies, { nil: undefined, freq: 4 }), (one, changed) => {
      const other = changed ?? { ...one, extra: !one.extra }
      const texts = [written(one), written(other)] as const
      const [before, after] = [load(texts[0]), load(texts[1])]
      const diff = diffPolicies(before, after)
      const found = tokens.map((token) => [secondsOf(before, token), secondsOf(after, token)] as const)
      const gained = found.some(([was, is]) => was === 0 && is > 0)
      const lost = found.some(([was, is]) => was > 0 && is === 0)
      const longer = found.some(([was, is]) => was > 0 && is > was)
      assert.ok(diff.complete)
      assert.equal(diff.gained.length > 0, gained, texts.join('\n'))
      assert.equal(diff.lost.length > 0, lost, texts.join('\n'))
      assert.equal(
        diff.lifetimes.some((change) => change.after > change.before),
        longer,
        texts.join('\n'),
      )
      for (const { sample } of diff.gained) assert.ok(!Object.keys(sample).some((name) => name.includes('[')))
      seen[gained ? 'gained' : lost ? 'lost' : 'same']++
    }),
    { numRuns: 600 },
  )
  assert.ok(seen.gained > 30 && seen.lost > 30 && seen.same > 10, JSON.stringify(seen))
})

test('role matrices and compiled policies know of lists what decisions know', () => {
  fc.assert(
    fc.property(policies, conditions, (model, said) => {
      const text = written({ ...model, extra: true })
      const policy = load(text)
      const given = tokens.filter((token) => secondsOf(policy, token) > 0)
      assert.equal(who(policy, 'console').length > 0, given.length > 0, text)
      const read = conditionsOf(said, [{ path: 'a.policy.yaml', text }], undefined, undefined)
      assert.ok(read.ok)
      const within = load(
        text.replace(/grants:[\s\S]*/, `grants: [{ name: g, who: ${said}, get: console, for: 5m }]`),
      )
      const reached = given.some((token) => secondsOf(within, token) > 0)
      assert.equal(reach(policy, read.issuer, read.boxes).length > 0, reached, `${text}${said}`)
      const compiled = compilePolicy(policy, new Set(['console']), new Set(['people']))
      const again = policyOf(JSON.parse(JSON.stringify(compiled)), schemas)
      for (const claims of [...tokens, { groups: 'admins' }]) {
        const request = { issuer: 'people', target: 'console', claims }
        assert.equal(decide(again, request).allowed, decide(policy, request).allowed, text)
        assert.deepEqual(explain(again, request, 'administrator'), explain(policy, request, 'administrator'))
      }
    }),
    { numRuns: 200 },
  )
})

test('what people read names the list and its values', () => {
  const text = written({
    grants: [['{ groups: { all: [admins, staff] } }', '5m']],
    deny: undefined,
    extra: true,
  })
  const policy = load(text)
  assert.deepEqual(who(policy, 'console')[0]?.conditions, ['groups [admins, ...]', 'groups [staff, ...]'])
  const asked = { issuer: 'people', target: 'console', claims: { groups: ['staff', 'others'] } }
  assert.match(
    explain(policy, asked, 'administrator').summary,
    /groups is \[staff\], needs \[admins, \.\.\.\]/,
  )
  const wider = load(text.replace('{ all: [admins, staff] }', '[admins, staff]'))
  const [gained] = diffPolicies(policy, wider).gained
  assert.match(JSON.stringify(gained?.sample), /^\{"groups":"\[(admins|staff)\]"\}$/)
})

test('what was recorded of lists proposes no smaller policy than it was', async () => {
  const text = written({ grants: [['{ groups: [admins, staff] }', '5m']], deny: undefined, extra: true })
  const outcome = { allowed: true, grants: ['g0'], scopes: [], seconds: 300 } as const
  const recorded = Array.from({ length: 20 }, (_, at) => ({
    ...{
      id: `au_${at}`,
      issuer: 'people',
      target: 'console',
      claims: { groups: ['staff', 'x'] },
      dropped: [],
    },
    outcome,
  }))
  const options = { leastUses: 3 }
  const tightened = await tighten(load(text), [{ path: 'a.policy.yaml', text }], undefined, recorded, options)
  assert.deepEqual([tightened.decisions, tightened.proposals], [20, []])
})
