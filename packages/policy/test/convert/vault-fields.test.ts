/** Fields of Vault's roles that are not claims, or not of the form that they must have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { importVault } from '@mayfly/policy/convert/vault/import'
import { composed, setting } from './judged.ts'

const bound_claims = { repository: 'acme/web', ref: 'refs/heads/main' }
const imported = (fields: object) =>
  composed([
    importVault(
      { name: 'deploy', role: { role_type: 'jwt', bound_audiences: ['x'], bound_claims, ...fields } },
      setting,
    ),
  ])

test('Vault: a credential never lives longer than the role says', () => {
  const lives = (fields: object) => /for: (\d+)s/.exec(imported(fields).text)?.[1]
  assert.equal(lives({ token_ttl: 600, token_explicit_max_ttl: 300 }), '300')
  assert.equal(lives({ token_explicit_max_ttl: 300 }), '300')
  assert.equal(lives({ token_ttl: 600, token_max_ttl: 1200, token_explicit_max_ttl: 0 }), '1200')
  assert.equal(lives({ token_ttl: '15m' }), '900')
  assert.equal(lives({ token_ttl: '1d' }), '3600')
  for (const token_ttl of ['500ms', '1.5h', 'x'])
    assert.throws(() => imported({ token_ttl }), /`token_ttl` is no lifetime/)
})

test('Vault: conditions that cannot be read are refused, and not taken for none', () => {
  for (const fields of [
    { bound_claims: [bound_claims] },
    { bound_claims: JSON.stringify(bound_claims), bound_subject: 'repo:acme/web:environment:staging' },
    { bound_subject: ['repo:acme/web:ref:refs/heads/main'] },
  ])
    assert.throws(() => imported({ token_ttl: 900, ...fields }), { name: 'Cannot', message: /not a role/ })
})

test('Vault: a role that is bound to addresses is left out, by either name of the field', () => {
  for (const key of ['token_bound_cidrs', 'bound_cidrs'])
    for (const value of [['10.0.0.0/8'], '10.0.0.0/8', [{}]])
      assert.throws(() => imported({ token_ttl: 900, [key]: value }), Cannot)
  assert.match(imported({ token_ttl: 900, token_bound_cidrs: [] }).text, /branch: main/)
})
