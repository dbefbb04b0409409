import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ids, platforms } from '../../test/platforms.ts'
import { acceptedWords } from '../automaton-words.ts'
import { matches, type TokenClaims } from '../box.ts'
import { schemas } from '../read/issuers.ts'
import type { ClaimSchema, IssuerSchema } from './schema.ts'

const declared: Readonly<Record<string, readonly string[]>> = {
  github: ['team'],
  oidc: ['sub', 'department', '__proto__', 'https://acme.example/team'],
}

function namesOf({ kind, properties }: IssuerSchema): readonly string[] {
  return (declared[kind] ?? []).map((name) => (properties?.prefix ?? '') + name)
}

function claimsOf(schema: IssuerSchema): readonly ClaimSchema[] {
  const more = (declared[schema.kind] ?? []).flatMap((name) => schema.properties?.claim(name) ?? [])
  return [...schema.claims.values(), ...more]
}

/** Some values of a claim, the odd ones of its automaton too. */
function valuesOf({ domain }: ClaimSchema): readonly string[] {
  return [...domain.plus, ...acceptedWords(domain.automaton).take(12)].filter(
    (word) => !domain.minus.has(word),
  )
}

/** A generator of whole numbers below `n` that is the same in every run. */
function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

function said(schema: IssuerSchema, roll: (n: number) => number): TokenClaims {
  const chosen = claimsOf(schema).filter(() => roll(3) === 0)
  const values = chosen.map((claim) => [claim.name, valuesOf(claim)] as const)
  return new Map(values.map(([name, all]) => [name, all[roll(all.length)] ?? 'x']))
}

/** The id of a customer in the form of each platform. */
const customers: Readonly<Record<string, string>> = { circleci: ids.organization, terraform: 'org-A1' }

for (const [kind, schema] of schemas) {
  test(`${kind}: a typical token, as the platform writes it, comes in as what it was`, () => {
    const roll = dice(4711)
    for (let run = 0; run < 500; run++) {
      const tenants = new Map(roll(2) === 0 ? [] : [['acme', customers[kind] ?? '7']])
      const typical = schema.typical(said(schema, roll), tenants)
      const taken = schema.intake(schema.present(typical), declared[kind] ?? [])
      assert.ok(taken.ok, `${JSON.stringify(taken)} ${JSON.stringify([...typical])}`)
      assert.deepEqual(new Map([...taken.token].toSorted()), new Map([...typical].toSorted()))
    }
  })

  test(`${kind}: a typical token breaks no rule of the profile`, () => {
    const typical = schema.typical(new Map(), new Map())
    assert.deepEqual(
      schema.profile.filter(({ box }) => matches(box, typical)),
      [],
    )
  })

  test(`${kind}: every part and shorthand is a claim`, () => {
    const { parts, shorthands, claims, refused } = schema
    const { tenant, identities, actor, event, pins, anybodys, ref, origin, environment, runner, workflow } =
      parts
    const named = [
      ...[tenant?.claim, ...identities, actor, event?.claim, ...pins, ...anybodys.keys(), ref, origin],
      ...[environment, runner?.claim, ...(workflow?.names ?? []), workflow?.version],
      ...[...shorthands.values()].flatMap((short) =>
        short.to === 'workflow' ? [] : [short.claim, short.patternClaim],
      ),
    ]
    for (const name of named) assert.ok(name === undefined || claims.has(name), name ?? 'none')
    for (const name of refused.keys()) assert.ok(!claims.has(name) && !shorthands.has(name), name)
    assert.deepEqual(event?.standard.filter((each) => event.outsider.includes(each)) ?? [], [])
    assert.deepEqual(event?.standard.filter((each) => event.proposal.includes(each)) ?? [], [])
    assert.ok(namesOf(schema).every((name) => !claims.has(name)))
  })
}

test('what a platform writes is written again as it was, but for what is not read', () => {
  const gitlab = schemas.get('gitlab')?.intake(platforms.gitlab.claims, [])
  assert.ok(gitlab?.ok)
  const presented = schemas.get('gitlab')?.present(gitlab.token)
  assert.equal(presented?.['ref'], 'main')
  assert.equal(presented?.['ref_type'], 'branch')
  const cluster = schemas.get('kubernetes')?.intake(platforms.kubernetes.claims, [])
  assert.ok(cluster?.ok)
  assert.deepEqual(schemas.get('kubernetes')?.present(cluster.token), {
    'kubernetes.io': {
      namespace: 'build',
      serviceaccount: { name: 'deployer', uid: ids.account },
      pod: { name: 'deployer-1' },
      node: { name: 'node-1' },
    },
    sub: 'system:serviceaccount:build:deployer',
  })
})
