/** IAM trust policies, both ways: never wider, judged by jobs that are made up and by the prover. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportAws } from '@mayfly/policy/convert/aws/export'
import { importAws } from '@mayfly/policy/convert/aws/import'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { randomFrom } from '../../../../test/fakes/seeded.ts'
import { awsCases, trustPolicy } from './aws-documents.ts'
import { iamAllows, provider } from './iam.ts'
import type { Template } from './jobs.ts'
import {
  compared,
  composed,
  loaded,
  policyAllows,
  setting,
  widerThanOriginal,
  widerThanPolicy,
} from './judged.ts'

const role = 'arn:aws:iam::111122223333:role/deploy'
const subject = ['repository_owner_id', 'event_name']
const choice = { audience: 'sts.amazonaws.com', subject, provider, longer: false }
const usual: readonly Template[] = ['legacy', 'immutable']

const imported = (document: unknown) => composed([importAws({ role, document }, provider, setting)])

function exportedOf(policy: Parameters<typeof exportAws>[0], own = choice) {
  const [trust] = exportAws(policy, own).trusts
  assert.ok(trust !== undefined)
  return trust.document
}

for (const { name, conditions, templates = usual, tells = [], none, narrower = false } of awsCases) {
  test(`AWS: ${name}: the policy is inside the document, and its export inside the policy`, (t) => {
    const random = randomFrom(t)
    const document = trustPolicy(conditions)
    if (none) {
      assert.throws(() => imported(document), Cannot)
      return
    }
    const { policy, findings } = imported(document)
    assert.deepEqual(
      tells.filter((code) => !findings.some((finding) => finding.code === code)),
      [],
    )
    const allows = policyAllows(policy, 'deploy')
    assert.deepEqual(
      widerThanOriginal(allows, (claims) => iamAllows(document, claims), templates, random),
      [],
    )
    const again = exportedOf(policy)
    assert.deepEqual(
      widerThanPolicy((claims) => iamAllows(again, claims), allows, [subject, ...usual], random),
      [],
    )
    const { inside, same, lost } = compared(policy, imported(again).policy)
    assert.ok(inside, 'the export, imported again, gives what the policy does not')
    t.diagnostic(same ? 'the same' : 'narrower')
    assert.equal(same, !narrower, `the export, imported again, gives less than the policy: ${lost}`)
  })
}

test('AWS: random documents are never widened, in either direction', (t) => {
  const random = randomFrom(t)
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T
  let taken = 0
  for (let at = 0; at < 60; at++) {
    const repo = pick([
      'acme/web',
      'acme@9919/web@40211',
      'acme/svc-*',
      'acme/*',
      'acme*/web',
      'acme-labs/tool',
    ])
    const context = pick([
      ':ref:refs/heads/main',
      ':ref:refs/heads/release/*',
      ':ref:refs/tags/v*',
      ':environment:production',
      ':environment:prod*',
      ':*',
      ':pull_request',
      '',
    ])
    const operator = pick([
      'StringLike',
      'ForAnyValue:StringLike',
      'StringLikeIfExists',
      'ForAllValues:StringLike',
      'StringEquals',
    ])
    const more = pick([
      {},
      { StringNotEquals: { [`${provider}:ref`]: 'refs/heads/develop' } },
      { StringEquals: { [`${provider}:ref`]: 'refs/heads/main' } },
      { Null: { [`${provider}:environment`]: 'true' } },
      { StringLike: { [`${provider}:ref`]: 'refs/heads/*' } },
    ])
    const document = trustPolicy([
      {
        [operator]: { [`${provider}:sub`]: `repo:${repo}${context}` },
        ...(operator in more ? {} : more),
      } as never,
    ])
    try {
      const { policy } = imported(document)
      taken++
      const allows = policyAllows(policy, 'deploy')
      assert.deepEqual(
        widerThanOriginal(allows, (claims) => iamAllows(document, claims), usual, random, 1000),
        [],
        JSON.stringify(document),
      )
      const again = exportedOf(policy)
      assert.deepEqual(
        widerThanPolicy((claims) => iamAllows(again, claims), allows, [subject], random, 1000),
        [],
        JSON.stringify(document),
      )
      assert.ok(compared(policy, imported(again).policy).inside, JSON.stringify(document))
    } catch (thrown) {
      if (!(thrown instanceof Cannot)) throw thrown
    }
  }
  assert.ok(taken > 15, `only ${taken} of 60 could be taken`)
})

test('AWS: a widening in either direction is seen', (t) => {
  const random = randomFrom(t)
  const document = trustPolicy(awsCases.find(({ name }) => name === 'release branches')?.conditions ?? [])
  const { text, policy } = imported(document)
  const wider = loaded(text.replace(', environment: { absent: true }', ''))
  assert.notEqual(wider, policy)
  assert.notDeepEqual(
    widerThanOriginal(
      policyAllows(wider, 'deploy'),
      (claims) => iamAllows(document, claims),
      usual,
      random,
      40_000,
    ),
    [],
  )
  const again = exportedOf(policy)
  const without = JSON.parse(
    JSON.stringify(again)
      .replaceAll('StringNotLike', 'StringNotLikeIgnored')
      .replaceAll('"Null"', '"Ignored"'),
  ) as typeof again
  const lax = {
    Statement: without.Statement.map((each) => ({
      ...each,
      Condition: Object.fromEntries(
        Object.entries(each.Condition).filter(([operator]) => !operator.includes('Ignored')),
      ),
    })),
  }
  assert.notDeepEqual(
    widerThanPolicy(
      (claims) => iamAllows(lax, claims),
      policyAllows(policy, 'deploy'),
      [subject],
      random,
      40_000,
    ),
    [],
  )
})

test('AWS: what it cannot say is an error that names it', () => {
  const text = (who: string, more = '', rest = '') => `version: 1
issuers: { github: { owners: [acme] } }
targets: { deploy: { tier: production, access: admin, aws_role: "${role}${more}" } }
grants: [{ name: go, who: { ${who} }, get: deploy, for: 1h }]${rest}
`
  const says = (source: string, pattern: RegExp, own: Partial<typeof choice> = {}) =>
    assert.throws(
      () => exportAws(loaded(source), { ...choice, ...own }),
      (thrown) => thrown instanceof Cannot && pattern.test(thrown.message),
    )
  says(
    text('repo: acme/web, branch: main, ref_protected: true'),
    /does not see `ref_protected`.*--subject repository_owner_id,event_name,ref_protected/,
  )
  says(text('repo: acme/web, branch: main'), /does not see `event_name`/, {
    subject: ['repository_owner_id'],
  })
  says(text('repo: acme/web, branch: main', '-{repo.id}'), /differs by job/)
  says(text('repo: acme/web, branch: main').replace('for: 1h', 'for: 15m'), /sessions of an hour/)
  says(
    text('repo: acme/web, branch: { not: { like: "x-*" } , or_absent: false}'),
    /cannot say `not` of a pattern/,
  )
  says(text('repo: acme/web, environment: "a*b"').replace('"a*b"', '"a$x"'), /variable/)
})

test('AWS: deny rules are part of what is exported', (t) => {
  const random = randomFrom(t)
  const policy = loaded(`version: 1
issuers: { github: { owners: [acme] } }
targets: { deploy: { tier: production, access: admin, aws_role: "${role}" } }
grants: [{ name: go, who: { repo: [acme/web, acme/api], branch: { like: "**" }, environment: [production, staging] }, get: deploy, for: 1h }]
deny:
  - { name: no staging of the web, who: { repo: acme/web, environment: staging } }
  - { name: no such branch, who: { branch: [develop, main-x] } }
`)
  const document = exportedOf(policy)
  const allows = policyAllows(policy, 'deploy')
  assert.deepEqual(
    widerThanPolicy((claims) => iamAllows(document, claims), allows, [subject], random, 20_000),
    [],
  )
  assert.ok(compared(policy, imported(document).policy).inside)
})
