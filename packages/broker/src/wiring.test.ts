import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from './config/config.ts'
import type { PolicyInForce } from './decide/policies.ts'
import { wiringFaults } from './wiring.ts'

const target = (name: string, kind: string, settings: object) => [name, { name, kind, settings }]

const github = new Map([['github', { schema: { kind: 'github' } }]])

const inForce = {
  policy: {
    issuers: github,
    targets: new Map([
      target('orders', 'token', { audience: 'https://orders' }),
      target('old', 'secret', { name: 'npm' }),
      target('theirs', 'auth0', { tenant: 'acme', audience: 'https://theirs' }),
    ] as [string, object][]),
  },
} as unknown as PolicyInForce

const configOf = (routes: object[], introspection: object[], connectors: object = {}) =>
  ({
    routes,
    connectors,
    introspection,
    issuers: { github: { preset: 'github-actions' } },
    dialects: {},
    connections: { auth0: { acme: {} }, secret: { npm: {} } },
  }) as unknown as Config

test('routes and introspection clients name targets that the policy has, with an audience', () => {
  assert.deepEqual(wiringFaults(configOf([{ name: 'a', target: 'orders' }], []), inForce), [])
  assert.deepEqual(
    wiringFaults(configOf([{ name: 'a', target: 'none' }], [{ name: 'b', target: 'old' }]), inForce),
    [
      'route `a` names the target `none`, which the policy does not have',
      'introspection client `b` names the target `old`, which has no audience',
    ],
  )
})

test('a server of a route may name a target of its own, under the same rules', () => {
  const servers = { s: {}, t: { target: 'none' }, u: { target: 'old' } }
  assert.deepEqual(
    wiringFaults(configOf([{ name: 'a', kind: 'mcp', target: 'orders', servers }], []), inForce),
    [
      'server `t` of route `a` names the target `none`, which the policy does not have',
      'server `u` of route `a` names the target `old`, which has no audience',
    ],
  )
})

test('a connector needs a target whose tokens are ours', () => {
  const connectors = { a: { target: 'orders' }, b: { target: 'none' }, c: { target: 'old' } }
  assert.deepEqual(wiringFaults(configOf([], [], connectors), inForce), [
    'connector `b` names the target `none`, which the policy does not have',
    'connector `c` names the target `old`, which has no audience',
  ])
})

test('a route before tokens that others make is a fault: it could admit nobody', () => {
  assert.deepEqual(wiringFaults(configOf([{ name: 'a', target: 'theirs' }], []), inForce), [
    'route `a` names the target `theirs`, which has no audience',
  ])
})

test('a route carries the kind of target that it can', () => {
  const db = target('db', 'postgres_role', { server: 's', role: 'r', audience: 'postgres://db' })
  const policy = { issuers: github, targets: new Map([...inForce.policy.targets, db] as [string, object][]) }
  const other = { policy } as unknown as PolicyInForce
  const postgres = { connections: { postgres: { s: {} }, auth0: { acme: {} }, secret: { npm: {} } } }
  const routes = [
    { name: 'a', kind: 'http', target: 'db' },
    { name: 'b', kind: 'postgres', target: 'orders' },
    { name: 'c', kind: 'postgres', target: 'db' },
  ]
  assert.deepEqual(wiringFaults({ ...configOf(routes, []), ...postgres } as unknown as Config, other), [
    'route `a` names the target `db` of kind `postgres_role`; it needs one of `token`',
    'route `b` names the target `orders` of kind `token`; it needs one of `postgres_role`',
  ])
})

test('settings that are not those of their kind are a fault, with the place and what they should be', () => {
  const targets = new Map([
    target('images', 'gcp_service_account', { service_account: 'somebody@example.com' }),
    target('keys', 'secret', { name: 'npm', env: 'NPM' }),
  ] as [string, object][])
  const other = { policy: { issuers: github, targets } } as unknown as PolicyInForce
  const config = { ...configOf([], []), connections: { secret: { npm: {} }, gcp: { main: {} } } }
  assert.deepEqual(wiringFaults(config as unknown as Config, other), [
    'target `images`: what the policy says under `gcp_service_account` does not fit: service_account: must be the email of a service account, NAME@PROJECT.iam.gserviceaccount.com',
    'target `keys`: what the policy says under `secret` does not fit: Unrecognized key: "env"',
  ])
})

test('a target of a kind that this version lacks is a fault, whatever its name', () => {
  const other = {
    policy: { issuers: github, targets: new Map([['x', { name: 'x', kind: 'constructor', settings: {} }]]) },
  }
  assert.equal(wiringFaults(configOf([], []), other as unknown as PolicyInForce).length, 1)
})

test('tokens that the policy judges come from a configured issuer of that name and kind', () => {
  const config = (issuers: object) => ({ ...configOf([], []), issuers }) as unknown as Config
  assert.deepEqual(wiringFaults(config({ github: { preset: 'github-actions' } }), inForce), [])
  assert.deepEqual(wiringFaults(config({ github: { preset: 'forgejo' } }), inForce), [
    'the policy speaks of the issuer `github`, but policies know no claims of its preset forgejo',
  ])
  assert.deepEqual(wiringFaults(config({ github: { preset: 'gitlab' } }), inForce), [
    'the policy judges tokens of `github` as those of kind `github`, but its preset is gitlab; write `kind: gitlab` in the policy',
  ])
  assert.deepEqual(wiringFaults(config({ other: { preset: 'github-actions' } }), inForce), [
    'the policy speaks of the issuer `github`, which is not configured',
  ])
})
