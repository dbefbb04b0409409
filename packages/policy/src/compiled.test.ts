import assert from 'node:assert/strict'
import { test } from 'node:test'
import { built } from '../test/exhaustive.ts'
import { Chance } from '../test/model/chance.ts'
import { meaningOf } from '../test/model/meaning.ts'
import { randomPolicy } from '../test/model/random-policy.ts'
import { rawToken } from '../test/model/raw-token.ts'
import { spaceOf } from '../test/model/space.ts'
import { compilePolicy, policyOf } from './compiled.ts'
import { type DecisionRequest, decide } from './decide.ts'
import { explain } from './explain.ts'
import { schemas } from './read/issuers.ts'

const seed = Number(process.env['MAYFLY_SEED'] ?? Date.now() % 2 ** 32)

test('a policy that was written as JSON and read back decides and explains the same', (context) => {
  const chance = new Chance(seed)
  let [decisions, allowed] = [0, 0]
  for (let policies = 0; policies < 400; ) {
    const model = randomPolicy(chance)
    const policy = built(model)
    if (policy === undefined) continue
    policies++
    const meaning = meaningOf(model)
    const some = new Set([...policy.targets.keys()].filter(() => chance.yes(0.8)))
    const issuers = new Set(policy.issuers.keys())
    const again = policyOf(JSON.parse(JSON.stringify(compilePolicy(policy, some, issuers))), schemas)
    for (const { name, kind } of model.issuers) {
      const space = spaceOf(meaning, name)
      for (let count = 0; count < 6; count++) {
        const claims = rawToken(kind, space.at(chance.below(space.size)), chance)
        if (claims === undefined) continue
        for (const target of some) {
          const request: DecisionRequest = { issuer: name, claims, target }
          const expected = decide(policy, request)
          const found = decide(again, request)
          decisions++
          if (expected.allowed && found.allowed) {
            allowed++
            const { grants, scopes, seconds } = expected
            assert.deepEqual(
              { grants, scopes, seconds },
              { grants: found.grants, scopes: found.scopes, seconds: found.seconds },
              `MAYFLY_SEED=${seed}`,
            )
          } else assert.deepEqual(found, expected, `MAYFLY_SEED=${seed}`)
          assert.deepEqual(
            explain(again, request, 'caller'),
            explain(policy, request, 'caller'),
            `MAYFLY_SEED=${seed}`,
          )
        }
      }
    }
  }
  context.diagnostic(`MAYFLY_SEED=${seed} ${decisions} decisions, ${allowed} allowed`)
  assert.ok(decisions > 2_000 && allowed > 50)
})

test('a policy whose issuer is of a kind that is not known is not read', () => {
  const empty = { automata: [], langs: [], targets: [], grants: [], denies: [], guardrails: [] }
  const compiled = { ...empty, issuers: [{ name: 'x', kind: 'unknown', properties: [] }] }
  assert.throws(() => policyOf(compiled, schemas), TypeError)
})
