import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '../base/canonical-json.ts'
import { settingsFault, type TargetWord } from './target-settings.ts'

const guid = '11111111-2222-3333-4444-555555555555'
const arn = 'arn:aws:iam::111122223333:role/deploy'
const github = { app: 'acme-bot', repos: ['acme/shop'], permissions: { contents: 'read' } }

/** Of each kind what fits, and what does not with what is said of it. */
const cases: { readonly [kind in TargetWord]: readonly [Json, Json, RegExp] } = {
  token: [{ audience: 'https://a.example' }, { scopes: [] }, /^audience: is missing \(string\)$/],
  auth0: [
    { tenant: 'acme', audience: 'https://a.example' },
    { tenant: 'acme', audience: 'https://a.example', scope: 'x' },
    /"scope"$/,
  ],
  aws_role: [`${arn}-{repo.id}`, 'deploy', /^must be the ARN of a role/],
  azure: [
    { client: guid, scope: 'https://a.example/.default' },
    { client: guid, scope: 'https://a.example' },
    /^scope: must be one resource and \/\.default$/,
  ],
  gcp_service_account: [
    { service_account: 'a@b.iam.gserviceaccount.com' },
    { service_account: 'a@example.com' },
    /^service_account: must be the email of a service account/,
  ],
  github_app: [
    github,
    { ...github, permissions: { contents: 'delete' } },
    /^permissions\.contents: .*"read"\|"write"\|"admin"/,
  ],
  kubernetes: [
    { cluster: 'main', namespace: '{environment}', service_account: 'deployer' },
    { cluster: 'main', namespace: 'Shop-{environment}', service_account: 'deployer' },
    /^namespace: must be a name in lower case$/,
  ],
  mysql_role: [{ server: 'a', role: 'app', schema: 'shop' }, { server: 'a' }, /^role: is missing/],
  postgres_role: [{ server: 'a', role: 'app' }, { role: 'app' }, /^server: is missing \(string\)$/],
  redis_user: [{ server: 'a', rules: ['~app:*', '+get'] }, { server: 'a', rules: [] }, /^rules: /],
  secret: ['npm', { name: '' }, /^name: /],
  ssh: [
    { authority: 'a', principals: ['deploy'] },
    { authority: 'a', principals: ['*'] },
    /^principals\.0: not a principal/,
  ],
}

for (const [kind, [fitting, other, fault]] of Object.entries(cases)) {
  test(`${kind}: settings that fit are taken, and others are told by place and mending`, () => {
    const word = kind as TargetWord
    assert.equal(settingsFault(word, fitting), undefined)
    assert.match(settingsFault(word, other) ?? '', fault)
    assert.ok(settingsFault(word, null) !== undefined)
  })
}

test('a template is no fault where some value of it fits', () => {
  const azure = { client: '{environment}', scope: 'https://a.example/.default' }
  assert.equal(settingsFault('azure', azure), undefined)
  assert.match(settingsFault('azure', { ...azure, client: 'x{environment}' }) ?? '', /^client: must be an id/)
  assert.match(settingsFault('aws_role', `${arn}-{who}`) ?? '', /^must be the ARN of a role/)
})
