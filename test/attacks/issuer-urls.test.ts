/** Issuers that a configuration must not name. Ids are those of the list of attacks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../fakes/clock.ts'
import { githubUrl, issuerWith, rsaKey } from './verification.ts'

const jwks = { keys: [rsaKey.jwk] }

test('A67 a configured issuer is one of its platform: anchored, https, without query and credentials', () => {
  const open = (preset: string, issuer: string) => issuerWith({ preset, issuer, jwks }, fakeTools())
  const bad: readonly (readonly [string, string])[] = [
    ['buildkite', 'http://localhost:3000?https://agent.buildkite.com'],
    ['buildkite', 'https://agent.buildkite.com.evil.example'],
    ['buildkite', 'https://evil.example/https://agent.buildkite.com'],
    ['buildkite', 'https://agent-buildkite.com'],
    ['buildkite', 'https://agent.buildkite.com\n'],
    ['buildkite', 'https://agent.buildkite.com/'],
    ['circleci', 'https://oidc.circleci.com/org/'],
    ['circleci', 'https://oidc.circleci.com/org/../x'],
    ['circleci', 'https://oidc.circleci.com/org/a/b'],
    ['circleci', 'https://oidc.circleci.com/org/a?b'],
    ['circleci', 'https://oidc.circleci.com/org/a#b'],
    ['aws', 'https://evil.example/x.tokens.sts.global.api.aws'],
    ['aws', 'https://tokens.sts.global.api.aws'],
    ['semaphore', 'https://a.b.semaphoreci.com'],
    ['github-actions', `${githubUrl}.evil.example`],
    ['github-actions', 'https://token.actions.evil.example'],
    ['github-actions', 'https://tokenxactions.githubusercontent.com'],
    ['github-actions', `${githubUrl}/a/b`],
    ['github-actions', 'https://evil.example/?x/_services/token'],
    ['github-actions', 'https://user@github.acme.example/_services/token'],
    ['github-actions', 'https://169.254.169.254/_services/token'],
    ['gitlab', 'https://10.0.0.1'],
    ['gitlab', 'https://[::1]'],
    ['gitlab', 'https://user:password@gitlab.acme.example'],
    ['gitlab', 'https://gitlab.acme.example?x=https://gitlab.com'],
    ['gitlab', 'https://GITLAB.com'],
    ['gitlab', 'http://gitlab.com'],
    ['gitlab', 'http://127.0.0.1:8080'],
    ['kubernetes', 'kubernetes/serviceaccount'],
    ['kubernetes', 'https://2130706433/x'],
    ['kubernetes', 'https://0x7f000001/x'],
    ['google', 'accounts.google.com'],
  ]
  for (const [preset, issuer] of bad) assert.throws(() => open(preset, issuer), TypeError, issuer)
  const good: readonly (readonly [string, string])[] = [
    ['github-actions', `${githubUrl}/acme-corp`],
    ['github-actions', 'https://token.actions.acme.ghe.com'],
    ['github-actions', 'https://token.actions.acme.ghe.com/acme'],
    ['github-actions', 'https://github.acme.example:8443/_services/token'],
    ['kubernetes', 'https://kubernetes.default.svc'],
    ['kubernetes', 'https://kubernetes.default.svc.cluster.local'],
    ['kubernetes', 'https://container.googleapis.com/v1/projects/P/locations/L/clusters/C'],
    ['kubernetes', 'https://westeurope.oic.prod-aks.azure.com/tenant/id/'],
    ['buddy', 'https://eu-oidc.buddyusercontent.com'],
  ]
  for (const [preset, issuer] of good) assert.ok(open(preset, issuer).accepts({ iss: issuer }), issuer)
})

test('A67 plain http is for loopback alone, and only where the configuration says so', () => {
  const open = (issuer: string) =>
    issuerWith({ preset: 'gitlab', issuer, jwks, dangerously_allow_http: true }, fakeTools())
  for (const issuer of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080']) open(issuer)
  for (const issuer of [
    'http://gitlab.acme.example',
    'http://10.0.0.1',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://localhost:3000?https://gitlab.com',
    'http://localhost#x',
    'http://user@localhost',
    'ftp://localhost',
  ])
    assert.throws(() => open(issuer), TypeError, issuer)
})
