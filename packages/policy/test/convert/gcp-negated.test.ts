/** What Google's documents take away: expressions under a negation, other pools, providers that are off. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { type GcpDocument, importGcp } from '@mayfly/policy/convert/gcp/import'
import { composed, setting } from './judged.ts'

const pool = 'projects/123456789/locations/global/workloadIdentityPools/ci'
const serviceAccount = 'deploy@acme-prod.iam.gserviceaccount.com'

function imported(condition: string, fields: object = {}, who: Partial<GcpDocument> = {}) {
  const provider = {
    name: `${pool}/providers/github`,
    oidc: { issuerUri: 'https://token.actions.githubusercontent.com' },
    attributeMapping: { 'google.subject': 'assertion.sub', 'attribute.repository': 'assertion.repository' },
    attributeCondition: condition,
    ...fields,
  }
  return composed([importGcp({ provider, serviceAccount, ...who }, setting)])
}

const staging = "assertion.repository == 'acme/web' && assertion.environment == 'staging' && "
const main = "assertion.repository == 'acme/web' && assertion.ref == 'refs/heads/main'"

test('GCP: a regular expression that is read as less than it matches is not negated', () => {
  const wider = [
    '^refs/heads/v1.0$',
    '^refs/heads/wip|old$',
    '^(?:refs/heads/wip|.*old.)$',
    '^refs/heads/[wW]ip$',
    '^refs/heads/[a-z]+$',
  ]
  for (const each of wider)
    assert.throws(() => imported(`${staging}!assertion.ref.matches('${each}')`), Cannot, each)
  assert.match(imported(`${staging}!assertion.ref.matches('^refs/heads/wip$')`).text, /branch: \{ not: wip/)
  const several = imported(`${staging}!assertion.ref.matches('^(?:refs/heads/wip|refs/heads/old)$')`)
  assert.match(several.text, /branch: \{ not: \[wip, old\]/)
})

test('GCP: a text with an escape for a letter is not read as another text', () => {
  for (const text of ["'refs\\x2fheads/main'", "'\\u0072efs/heads/main'", "'refs\\057heads/main'"])
    assert.throws(() => imported(`${staging}assertion.ref != ${text}`), Cannot, text)
  assert.match(imported(`${staging}assertion.ref != 'refs/heads/it\\'s'`).text, /not: "it's"/)
})

test('GCP: a provider that is disabled or deleted lets nobody in', () => {
  assert.throws(() => imported(main, { disabled: true }), /disabled or deleted/)
  assert.throws(() => imported(main, { state: 'DELETED' }), /disabled or deleted/)
  assert.match(imported(main, { state: 'ACTIVE', disabled: false }).text, /branch: main/)
})

test('GCP: members of another pool, and members under a condition of IAM, are left out', () => {
  const member = (of: string, repository: string) =>
    `principalSet://iam.googleapis.com/${of}/attribute.repository/${repository}`
  const own = member(pool, 'acme/web')
  const condition = "assertion.ref == 'refs/heads/main'"
  const other = imported(condition, {}, { members: [own, member(pool.replace('/ci', '/other'), 'acme/api')] })
  assert.doesNotMatch(other.text, /api/)
  assert.ok(other.findings.some(({ code }) => code === 'another-pool'))
  const conditional = imported(condition, {}, { members: [own], conditional: [member(pool, 'acme/api')] })
  assert.doesNotMatch(conditional.text, /api/)
  assert.ok(conditional.findings.some(({ code }) => code === 'member-condition'))
})
