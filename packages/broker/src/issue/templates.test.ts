import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '../domain.ts'
import { filledIn } from './templates.ts'

const principal = (claims: Principal['claims']): Principal => ({
  issuer: 'github',
  iss: 'https://issuer.example',
  subject: 's',
  claims,
  replayKey: 'k',
  replayUntil: 1,
})
const job = principal({ repository_id: '40211', environment: 'production' })

test('templates are filled in wherever they stand, and nothing else is touched', () => {
  const settings = { role: 'eks-{repo.id}-{environment}', list: ['{repo.id}', 1, null], other: '{x}' }
  assert.deepEqual(filledIn(settings, job), {
    role: 'eks-40211-production',
    list: ['40211', 1, null],
    other: '{x}',
  })
  const plain = { audience: 'https://a.example', scopes: ['a'] }
  assert.equal(filledIn(plain, job), plain)
})

test('a value that could end the text around it is refused, and so is a missing one', () => {
  for (const environment of [
    'a/b',
    'a b',
    "a'b",
    '',
    '../x',
    '-x',
    'ü',
    'a'.repeat(65),
    '{repo.id}',
    undefined,
  ]) {
    const claims = environment === undefined ? {} : { environment }
    assert.throws(() => filledIn('role-{environment}', principal(claims)), { code: 'target_refused' })
  }
})
