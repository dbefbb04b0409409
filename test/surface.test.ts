/**
 * What others build on, as literal data. Red means: make it deliberate. Change the list together with the product,
 * the documentation and, where it breaks somebody, a decision record.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { failures } from '@mayfly/broker/base/failure'
import { configJsonSchema } from '@mayfly/broker/config/json-schema'
import { openMetrics } from '@mayfly/broker/http/metrics'
import { table } from '@mayfly/broker/http/routing'
import { presetNames } from '@mayfly/broker/verify/preset-names'
import { parse } from 'yaml'
import { commands } from '../packages/cli/src/commands.ts'

test('endpoints', () => {
  assert.deepEqual(
    table.map((row) => `${row.method} ${row.path}`),
    [
      'POST /token',
      'POST /introspect',
      'POST /revoke',
      'POST /webhooks/github',
      'GET /.well-known/openid-configuration',
      'GET /.well-known/oauth-authorization-server',
      'GET /.well-known/jwks.json',
      'GET /audit/checkpoint',
      'GET /audit/entries',
      'GET /audit/proof/inclusion',
      'GET /audit/proof/consistency',
      'GET /ssh/{name}/krl',
      'GET /connect/{name}',
      'GET /healthz',
      'GET /readyz',
      'GET /metrics',
      'GET /sts/exchange',
      'POST /sts/exchange',
      'POST /',
      'POST /v1/token',
      'POST /v1/auth/{mount}/login',
      'PUT /v1/auth/{mount}/login',
      'GET /v1/auth/token/lookup-self',
      'POST /v1/auth/token/renew-self',
      'PUT /v1/auth/token/renew-self',
      'POST /v1/auth/token/revoke-self',
      'PUT /v1/auth/token/revoke-self',
      'POST /v1/sys/leases/renew',
      'PUT /v1/sys/leases/renew',
      'POST /v1/sys/leases/revoke',
      'PUT /v1/sys/leases/revoke',
      'POST /v1/sys/leases/lookup',
      'PUT /v1/sys/leases/lookup',
      'GET /v1/sys/health',
      'GET /v1/{name}',
      'GET /v1/{mount}/creds/{name}',
      'GET /v1/{mount}/sts/{name}',
      'POST /v1/{mount}/sts/{name}',
      'PUT /v1/{mount}/sts/{name}',
      'GET /v1/{mount}/data/{name}',
      'GET /v1/{mount}/token/{name}',
      'POST /v1/{mount}/issue/{name}',
      'PUT /v1/{mount}/issue/{name}',
    ],
  )
})

test('error codes, and what each protocol says for them', () => {
  assert.deepEqual(
    Object.entries(failures).map(
      ([code, row]) =>
        `${code} ${row.status} ${row.oauth} ${row.bearer} ${row.sqlstate} ${row.grpc} ${row.aws}`,
    ),
    [
      'request_malformed 400 invalid_request 400 08P01 3 ValidationError',
      'request_too_large 413 invalid_request 413 08P01 3 ValidationError',
      'grant_type_unsupported 400 unsupported_grant_type 400 08P01 3 InvalidAction',
      'client_rejected 401 invalid_client 401 28000 16 InvalidClientTokenId',
      'subject_token_invalid 400 invalid_request 401 28000 16 InvalidIdentityToken',
      'target_refused 400 invalid_target 403 28000 7 AccessDenied',
      'scope_refused 400 invalid_scope 403 42501 7 AccessDenied',
      'rate_limited 429 invalid_request 429 53300 8 Throttling',
      'budget_spent 400 invalid_target 403 53400 8 LimitExceeded',
      'not_approved 400 invalid_target 403 42501 7 AccessDenied',
      'provider_unavailable 503 temporarily_unavailable 503 08006 14 ServiceUnavailable',
      'internal 500 server_error 500 XX000 13 InternalFailure',
    ],
  )
})

test('names of events in the log', () => {
  const domain = readFileSync('packages/broker/src/domain.ts', 'utf8')
  const union = domain.slice(domain.indexOf('export type AuditEvent'))
  const names = [...union.matchAll(/'([a-z]+\.[a-z]+)'/g)].map((match) => match[1])
  assert.deepEqual(names, [
    'credential.issued',
    'credential.pending',
    'session.opened',
    'credential.refused',
    'lease.ended',
    'job.ended',
    'switch.off',
    'switch.on',
    'webhook.refused',
    'route.admitted',
    'route.refused',
    'route.request',
    'route.answered',
    'requests.lost',
    'introspection.refused',
    'revocation.refused',
    'audit.refused',
    'refusals.summed',
    'key.created',
    'key.retired',
    'secret.put',
    'secret.rewrapped',
    'secret.removed',
    'policy.loaded',
    'policy.changed',
    'policy.refused',
    'broker.started',
    'broker.stopped',
  ])
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

function keysOf(schema: Schema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => [
    prefix + name,
    ...keysOf(inner, `${prefix}${name}.`),
  ])
}

test('keys of mayfly.yaml', () => {
  assert.deepEqual(keysOf(configJsonSchema() as Schema), [
    'url',
    'listen',
    'store',
    'keys',
    'keys.algorithm',
    'keys.rotate_every',
    'keys.encryption',
    'keys.wrap',
    'issuers',
    'connections',
    'connections.auth0',
    'connections.aws',
    'connections.azure',
    'connections.gcp',
    'connections.github_app',
    'connections.kubernetes',
    'connections.mysql',
    'connections.postgres',
    'connections.redis',
    'connections.secret',
    'connections.ssh',
    'policies',
    'webhooks',
    'webhooks.github',
    'webhooks.github.secret',
    'webhooks.github.ask',
    'webhooks.auth0',
    'connectors',
    'routes',
    'approvals',
    'approvals.url',
    'approvals.secret',
    'approvals.timeout',
    'dialects',
    'dialects.octo_sts',
    'dialects.octo_sts.targets',
    'dialects.aws_sts',
    'dialects.aws_sts.roles',
    'dialects.google',
    'dialects.google.audiences',
    'dialects.vault',
    'dialects.vault.session',
    'dialects.vault.paths',
    'audit',
    'audit.reader',
    'audit.witness',
    'audit.export',
    'limits',
    'limits.exchanges_per_job',
    'introspection',
  ])
})

test('presets', () => {
  assert.deepEqual(presetNames, [
    'github-actions',
    'gitlab',
    'buildkite',
    'circleci',
    'bitbucket',
    'azure-devops',
    'terraform',
    'kubernetes',
    'google',
    'aws',
    'vercel',
    'fly',
    'semaphore',
    'codefresh',
    'buddy',
    'forgejo',
    'auth0',
    'oidc',
  ])
})

test('commands', () => {
  assert.deepEqual(
    commands.map((command) => command.name),
    [
      'demo',
      'serve',
      'check',
      'policy check',
      'policy lock',
      'policy test',
      'policy prove',
      'policy diff',
      'policy reach',
      'policy who',
      'policy explain',
      'policy replay',
      'policy tighten',
      'exchange',
      'exec',
      'connect',
      'aws-credential-process',
      'git-credential',
      'doctor',
      'leases list',
      'leases revoke',
      'switch off',
      'switch on',
      'switch list',
      'keys list',
      'keys rotate',
      'scan',
      'export auth0-action',
      'import octo-sts',
      'import aws',
      'import vault',
      'import gcp',
      'export aws',
      'export gcp',
      'export azure',
      'export vault',
      'secrets put',
      'secrets list',
      'secrets remove',
      'secrets rewrap',
      'audit verify',
      'audit export',
      'audit show',
    ],
  )
})

test('the action: inputs, outputs, how it runs', () => {
  const action = parse(readFileSync('action.yml', 'utf8')) as {
    inputs: object
    outputs: object
    runs: Record<string, string>
  }
  assert.deepEqual(Object.keys(action.inputs), [
    'url',
    'target',
    'scope',
    'export',
    'refresh',
    'as',
    'registry',
    'username',
  ])
  assert.deepEqual(Object.keys(action.outputs), ['token', 'file', 'expires-at', 'lease-id'])
  assert.deepEqual(action.runs, {
    using: 'node24',
    main: 'packages/action/dist/main.js',
    post: 'packages/action/dist/post.js',
    'post-if': 'always()',
  })
})

test('metrics', async () => {
  const text = await openMetrics({ issuers: [], targets: [], routes: [] }, { process: false }).text()
  assert.deepEqual(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => `${match[1]} ${match[2]}`),
    [
      'mayfly_exchanges_total counter',
      'mayfly_exchange_duration_seconds histogram',
      'mayfly_http_requests_total counter',
      'mayfly_http_request_duration_seconds histogram',
      'mayfly_route_requests_total counter',
      'mayfly_leases_ended_total counter',
      'mayfly_leases_late_total counter',
      'mayfly_lease_stuck_oldest_seconds gauge',
      'mayfly_webhooks_total counter',
      'mayfly_policy_info gauge',
      'mayfly_policy_loaded_timestamp_seconds gauge',
      'mayfly_policy_stale gauge',
      'mayfly_policy_refused_total counter',
      'mayfly_refusals_summed_total counter',
      'mayfly_requests_unrecorded_total counter',
      'mayfly_guardrail_hits_total counter',
      'mayfly_secret_age_seconds gauge',
      'mayfly_connectors gauge',
      'mayfly_route_upstream_up gauge',
      'mayfly_leases_stuck gauge',
    ],
  )
})
