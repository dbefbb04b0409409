import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubAppConnection, githubAppSettings } from './settings.ts'

const connection = { app_id: 4711, private_key: { file: 'bot.pem' } }

test('a connection is an app, its key, and GitHub where nothing else is said', () => {
  assert.deepEqual(githubAppConnection.parse(connection), {
    app_id: '4711',
    private_key: { file: 'bot.pem' },
    api: 'https://api.github.com',
    dangerously_allow_http: false,
  })
  for (const app_id of ['4711', 'Iv1.8a61f9b3a7aba766', 'Iv23liAbcDefGhiJkl00'])
    assert.equal(githubAppConnection.parse({ ...connection, app_id }).app_id, app_id)
  for (const app_id of [0, -1, 1.5, '', '047', 'x', 'Iv1.a"b-cdefg'])
    assert.ok(!githubAppConnection.safeParse({ ...connection, app_id }).success, String(app_id))
  assert.ok(!githubAppConnection.safeParse({ ...connection, private_key: 'a key' }).success)
})

test('keys and tokens go over https, and over http only to this machine and by the word that says so', () => {
  const good = (api: string, dangerously_allow_http = false) =>
    githubAppConnection.safeParse({ ...connection, api, dangerously_allow_http }).success
  for (const api of [
    'https://api.github.com',
    'https://ghe.acme.example/api/v3',
    'https://ghe.acme.example:8443/api/v3',
  ])
    assert.ok(good(api), api)
  for (const api of [
    'http://127.0.0.1:3000',
    'http://ghe.acme.example/api/v3',
    'https://api.github.com/',
    'https://ghe.acme.example/api/v3/',
    'https://ghe.acme.example/api/v3?x=1',
    'https://ghe.acme.example/api/v3#x',
    'https://ghe.acme.example/api/../v3',
    'https://user:word@ghe.acme.example/api/v3',
    'ftp://ghe.acme.example',
    'api.github.com',
  ])
    assert.ok(!good(api), api)
  for (const api of ['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000'])
    assert.ok(good(api, true), api)
  for (const api of [
    'http://ghe.acme.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://10.0.0.1',
  ])
    assert.ok(!good(api, true), api)
})

test('a target says its repositories and permissions, of one owner', () => {
  const settings = { app: 'bot', repos: ['acme/shop', 'ACME/api.js'], permissions: { contents: 'read' } }
  assert.ok(githubAppSettings.safeParse(settings).success)
  const messages = (change: object) =>
    githubAppSettings.safeParse({ ...settings, ...change }).error?.issues.map((each) => each.message) ?? []
  assert.match(messages({ repos: ['acme/shop', 'labs/shop'] }).join(), /several owners/)
  assert.match(messages({ scopes: ['contents:write'] }).join(), /beyond the permissions/)
  assert.match(messages({ scopes: ['constructor:read'] }).join(), /beyond the permissions/)
  assert.deepEqual(messages({ scopes: { 'contents:read': 'read' } }), [])
  assert.equal(messages({ repos: ['-acme/shop'] }).length, 1)
  assert.equal(messages({ repos: Array.from({ length: 501 }, (_, i) => `acme/r${i}`) }).length, 1)
})
