/** Statements of trust policies that take something away, or that are none: never read as less than they say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importAws } from '@mayfly/policy/convert/aws/import'
import { Cannot } from '@mayfly/policy/convert/cannot'
import { provider } from './iam.ts'
import { composed, setting } from './judged.ts'

const main = {
  StringEquals: {
    [`${provider}:aud`]: 'sts.amazonaws.com',
    [`${provider}:sub`]: 'repo:acme/web:ref:refs/heads/main',
  },
}
const allow = {
  Effect: 'Allow',
  Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${provider}` },
  Action: 'sts:AssumeRoleWithWebIdentity',
  Condition: main,
}
const imported = (...statements: readonly object[]) =>
  composed([
    importAws(
      { role: 'arn:aws:iam::111122223333:role/deploy', document: { Statement: statements } },
      provider,
      setting,
    ),
  ])

test('AWS: a statement that denies is seen, whatever wildcard names its action', () => {
  for (const Action of [
    'sts:Assume*',
    'STS:*webidentity',
    's?s:AssumeRoleWithWebIdentity',
    ['sts:Tag*', '*'],
  ])
    assert.throws(() => imported(allow, { ...allow, Effect: 'Deny', Action }), /takes something away/)
  const other = imported(allow, { ...allow, Effect: 'Deny', Action: 'sts:TagSession' })
  assert.match(other.text, /branch: main/)
  assert.match(imported({ ...allow, Action: 'sts:Assume*' }).text, /branch: main/)
})

test('AWS: an effect or a condition that cannot be read is refused, and not taken for none', () => {
  const odd = [
    { Effect: 'deny' },
    { Effect: undefined },
    { Condition: [main] },
    { Condition: 'x' },
    { Condition: { ...main, StringLike: 'x' } },
    { Condition: { ...main, StringLike: [{ [`${provider}:ref`]: 'x' }] } },
  ]
  for (const part of odd)
    assert.throws(() => imported({ ...allow, ...part }), { name: 'Cannot', message: /not a trust policy/ })
})

test('AWS: a ref that is excluded in every spelling is not excluded in one only', () => {
  const excluded = (operator: string) =>
    imported({
      ...allow,
      Condition: {
        StringEquals: { [`${provider}:repository`]: 'acme/web', [`${provider}:environment`]: 'staging' },
        [operator]: { [`${provider}:ref`]: 'refs/heads/Main' },
      },
    })
  assert.throws(() => excluded('StringNotEqualsIgnoreCase'), Cannot)
  assert.match(excluded('StringNotEquals').text, /branch: \{ not: Main/)
})
