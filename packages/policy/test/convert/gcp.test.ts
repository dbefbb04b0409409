/** Providers of Google's workload identity pools, both ways. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { exportGcp } from '@mayfly/policy/convert/gcp/export'
import { importGcp } from '@mayfly/policy/convert/gcp/import'
import { randomFrom } from '../../../../test/fakes/seeded.ts'
import { celAllows } from './cel-evaluator.ts'
import { cases, issuerUri, mapping, pool, principals, serviceAccount } from './gcp-conditions.ts'
import type { Claims, Template } from './jobs.ts'
import {
  compared,
  composed,
  loaded,
  policyAllows,
  setting,
  widerThanOriginal,
  widerThanPolicy,
} from './judged.ts'

const usual: readonly Template[] = ['legacy', 'immutable']

const documentOf = (condition: string | undefined, members: readonly string[] | undefined) => ({
  provider: {
    attributeMapping: mapping,
    ...(condition === undefined ? {} : { attributeCondition: condition }),
    oidc: { issuerUri },
  },
  serviceAccount,
  ...(members === undefined ? {} : { members }),
})

/** Does the provider let the job in, and may what it then is act as the service account? */
function gcpAllows(
  document: {
    readonly provider: {
      readonly attributeMapping: Readonly<Record<string, string>>
      readonly attributeCondition?: string
    }
    readonly members?: readonly string[]
  },
  claims: Claims,
): boolean {
  const { attributeMapping, attributeCondition } = document.provider
  if (attributeCondition !== undefined && !celAllows(attributeCondition, claims, attributeMapping))
    return false
  return (document.members ?? [`${principals}/*`]).some((member) => {
    const rest = member.slice(member.indexOf(pool) + pool.length + 1)
    if (rest === '*') return true
    const [kind = '', ...value] = rest.split('/')
    const name = kind === 'subject' ? 'google.subject' : kind
    const quoted = `'${value.join('/')}'`
    return celAllows(`${name} == ${quoted}`, claims, attributeMapping)
  })
}

const imported = (condition: string | undefined, members: readonly string[] | undefined) =>
  composed([importGcp(documentOf(condition, members), setting)])
const choice = { audience: 'https://ci.acme.dev', issuerUri, pool, longer: false }

for (const { name, condition, members, tells = [], none } of cases) {
  test(`GCP: ${name}: the policy is inside the condition, and its export inside the policy`, (t) => {
    const random = randomFrom(t)
    if (none) {
      assert.throws(() => imported(condition, members), Cannot)
      return
    }
    const { policy, findings } = imported(condition, members)
    assert.deepEqual(
      tells.filter((code) => !findings.some((finding) => finding.code === code)),
      [],
    )
    const allows = policyAllows(policy, 'deploy')
    assert.deepEqual(
      widerThanOriginal(allows, (claims) => gcpAllows(documentOf(condition, members), claims), usual, random),
      [],
    )
    const [trust] = exportGcp(policy, choice).trusts
    assert.ok(trust !== undefined)
    assert.deepEqual(
      widerThanPolicy((claims) => gcpAllows(trust, claims), allows, usual, random),
      [],
    )
    const { inside, same, lost } = compared(policy, composed([importGcp(trust, setting)]).policy)
    assert.ok(inside)
    assert.ok(same, `${lost}\n${trust.provider.attributeCondition}`)
  })
}

test('GCP: random conditions are never widened, in either direction', (t) => {
  const random = randomFrom(t)
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T
  const atoms = [
    "assertion.repository == 'acme/web'",
    "assertion.repository.startsWith('acme/')",
    "assertion.ref == 'refs/heads/main'",
    "assertion.ref.startsWith('refs/heads/')",
    "assertion.environment != 'staging'",
    'has(assertion.environment)',
    "assertion.environment == 'production'",
    "assertion.event_name == 'push'",
    "attribute.owner == 'acme'",
    "assertion.sub.startsWith('repo:acme/web:ref:')",
    "assertion.actor == 'octocat'",
    "assertion.repository_owner_id == '9919'",
    "assertion.ref.endsWith('main')",
    "assertion.ref in ['refs/heads/main', 'refs/tags/v1']",
  ]
  const some = (depth: number): string => {
    if (depth === 0 || random(4) === 0) return `${random(5) === 0 ? '!' : ''}(${pick(atoms)})`
    return `(${some(depth - 1)} ${pick(['&&', '&&', '||'])} ${some(depth - 1)})`
  }
  let taken = 0
  for (let at = 0; at < 60; at++) {
    const condition = `${some(2)} && assertion.repository_owner == 'acme'`
    try {
      const { policy } = imported(condition, undefined)
      const allows = policyAllows(policy, 'deploy')
      assert.deepEqual(
        widerThanOriginal(
          allows,
          (claims) => gcpAllows(documentOf(condition, undefined), claims),
          usual,
          random,
          1000,
        ),
        [],
        condition,
      )
      const [trust] = exportGcp(policy, choice).trusts
      assert.ok(trust !== undefined)
      taken++
      assert.deepEqual(
        widerThanPolicy((claims) => gcpAllows(trust, claims), allows, usual, random, 1000),
        [],
        condition,
      )
      assert.ok(compared(policy, composed([importGcp(trust, setting)]).policy).inside, condition)
    } catch (thrown) {
      if (!(thrown instanceof Cannot)) throw thrown
    }
  }
  assert.ok(taken > 15, `only ${taken} of 60 could be taken`)
})

test('GCP: a widening in either direction is seen', (t) => {
  const random = randomFrom(t)
  const condition =
    "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main' && !has(assertion.environment)"
  const { text, policy } = imported(condition, undefined)
  const wider = loaded(text.replace(', environment: { absent: true }', ''))
  assert.notDeepEqual(
    widerThanOriginal(
      policyAllows(wider, 'deploy'),
      (claims) => gcpAllows(documentOf(condition, undefined), claims),
      usual,
      random,
      40_000,
    ),
    [],
  )
  const [trust] = exportGcp(policy, choice).trusts
  assert.ok(trust !== undefined)
  const lax = {
    ...trust,
    provider: {
      ...trust.provider,
      attributeCondition: trust.provider.attributeCondition.replace(
        '!has(assertion.environment)',
        "'a' == 'a'",
      ),
    },
  }
  assert.notDeepEqual(
    widerThanPolicy(
      (claims) => gcpAllows(lax, claims),
      policyAllows(policy, 'deploy'),
      usual,
      random,
      40_000,
    ),
    [],
  )
})
