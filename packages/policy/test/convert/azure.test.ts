/** Federated credentials of Azure: exact subjects, each of them inside the policy; anything else is an error. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportAzure } from '@mayfly/policy/convert/azure/export'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { randomFrom } from '../../../../test/fakes/seeded.ts'
import type { Template } from './jobs.ts'
import { loaded, policyAllows, widerThanPolicy } from './judged.ts'

const subject = ['repo', 'event_name', 'ref']
const choice = {
  audience: 'api://AzureADTokenExchange',
  issuerUri: 'https://token.actions.githubusercontent.com',
  subject,
  longer: false,
}

const policyOf = (who: string, rest = '') => `version: 1
issuers: { github: { owners: [acme] } }
targets: { deploy: { tier: production, access: admin, azure: { client: 00000000-0000-4000-8000-000000000001, scope: https://management.azure.com/.default } } }
grants: [{ name: go, who: ${who}, get: deploy, for: 1h }]${rest}
`

interface Case {
  readonly name: string
  readonly who: string
  readonly subject?: readonly string[]
  readonly rest?: string
  readonly cannot?: RegExp
  readonly count?: number
}

const cases: readonly Case[] = [
  { name: 'a branch', who: '{ repo: acme/web, branch: main }', count: 4 },
  { name: 'two repositories', who: '{ repo: [acme/web, acme/api], branch: main, event: push }', count: 2 },
  {
    name: 'an environment',
    who: '{ repo: acme/web, environment: production, event: [push, release] }',
    subject: ['repo', 'environment', 'event_name'],
    count: 2,
  },
  {
    name: 'a colon in an environment',
    who: '{ repo: acme/web, environment: "prod:eu", event: push }',
    subject: ['repo', 'environment', 'event_name'],
    count: 1,
  },
  {
    name: 'ids alone',
    who: '{ repo: acme/web, branch: main, event: push }',
    subject: ['repository_owner_id', 'repository_id', 'event_name', 'ref'],
    count: 1,
  },
  {
    name: 'alternatives',
    who: '[{ repo: acme/web, branch: main, event: push }, { repo: acme/api, tag: v1, event: push }]',
    count: 2,
  },
  {
    name: 'a protected branch',
    who: '{ repo: acme/web, branch: main, ref_protected: true, event: push }',
    subject: [...subject, 'ref_protected'],
    count: 1,
  },
  {
    name: 'a deny rule',
    who: '{ repo: acme/web, branch: [main, develop], event: push }',
    rest: '\ndeny: [{ name: no, who: { branch: develop } }]',
    count: 1,
  },
  {
    name: 'a pattern',
    who: '{ repo: acme/web, branch: { like: "release/*" } }',
    cannot: /`ref` must be listed/,
  },
  { name: 'an owner', who: '{ owner: acme, branch: main }', cannot: /needs repositories by name/ },
  {
    name: 'no environment',
    who: '{ repo: acme/web, branch: main, environment: { absent: true } }',
    cannot: /`environment` is not in it/,
  },
  {
    name: 'a claim that the subject has not',
    who: '{ repo: acme/web, branch: main, runner_environment: github-hosted }',
    cannot: /`runner_environment` is not in it/,
  },
  {
    name: 'an open claim in the subject',
    who: '{ repo: acme/web, environment: production }',
    subject: ['repo', 'environment', 'event_name', 'ref'],
    cannot: /`ref` may be anything/,
  },
  {
    name: 'a workflow',
    who: '{ repo: acme/web, branch: main, workflow: acme/pipelines/.github/workflows/deploy.yml@refs/tags/v1 }',
    cannot: /workflow/,
  },
  {
    name: 'too many',
    who: '{ repo: [acme/web, acme/api], branch: [a, b, c] }',
    cannot: /20 credentials at most/,
  },
  {
    name: 'an id without a name',
    who: '{ repository_id: 40211, branch: main, event: push }',
    cannot: /has no name/,
  },
  {
    name: 'a negation',
    who: '{ repo: acme/web, branch: { not: develop, or_absent: false }, environment: production, event: push }',
    subject: [...subject, 'environment'],
    cannot: /`ref` must be listed/,
  },
]

for (const { name, who, subject: own = subject, rest, cannot, count } of cases) {
  test(`Azure: ${name}`, (t) => {
    const random = randomFrom(t)
    const policy = loaded(policyOf(who, rest))
    if (cannot) {
      assert.throws(
        () => exportAzure(policy, { ...choice, subject: own }),
        (thrown) => thrown instanceof Cannot && cannot.test(thrown.message),
      )
      return
    }
    const [trust] = exportAzure(policy, { ...choice, subject: own }).trusts
    assert.equal(trust?.credentials.length, count)
    const subjects = new Set(trust?.credentials.map((each) => each.subject))
    const templates: readonly Template[] = [own, 'legacy', 'immutable']
    assert.deepEqual(
      widerThanPolicy(
        (claims) => subjects.has(claims['sub'] ?? ''),
        policyAllows(policy, 'deploy'),
        templates,
        random,
        20_000,
      ),
      [],
    )
  })
}

test('Azure: a widening is seen', (t) => {
  const random = randomFrom(t)
  const policy = loaded(policyOf('{ repo: acme/web, branch: main, event: push }'))
  const lax = new Set(['repo:acme@9919/web@40211:event_name:pull_request_target:ref:refs/heads/main'])
  assert.notDeepEqual(
    widerThanPolicy(
      (claims) => lax.has(claims['sub'] ?? ''),
      policyAllows(policy, 'deploy'),
      [subject],
      random,
      40_000,
    ),
    [],
  )
})
