import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scripted } from '../test/scripted.ts'
import { IdTokenUnavailable } from './github.ts'
import { platformTokens, type Surroundings } from './platform.ts'

const url = 'https://mayfly.example.com'

function find(env: Record<string, string>, more: Partial<Surroundings> = {}) {
  return platformTokens(
    { env, readFile: async () => undefined, run: async () => undefined, ...more },
    `${url}/`,
  )
}

test('each platform is found by what it leaves, and its own way is gone', async () => {
  const programs: string[] = []
  const run = async (program: string, args: readonly string[]) => {
    programs.push([program, ...args].join(' '))
    return 'printed\n'
  }
  const { transport } = scripted({ status: 200, body: { value: 'from-github' } })
  const cases: readonly [Record<string, string>, string, string, boolean][] = [
    [
      {
        GITHUB_ACTIONS: 'true',
        ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x.example/t',
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'r',
        MAYFLY_TOKEN: 'a credential of an earlier step',
      },
      'GitHub Actions',
      'from-github',
      true,
    ],
    [{ BUILDKITE: 'true' }, 'Buildkite', 'printed', true],
    [{ CIRCLECI: 'true', CIRCLE_OIDC_TOKEN_V2: 'for another audience' }, 'CircleCI', 'printed', true],
    [{ GITLAB_CI: 'true', MAYFLY_ID_TOKEN: 'of-gitlab' }, 'GitLab CI', 'of-gitlab', false],
    [
      { TFC_WORKLOAD_IDENTITY_TOKEN: 'any', TFC_WORKLOAD_IDENTITY_TOKEN_MAYFLY: 'ours' },
      'HCP Terraform',
      'ours',
      false,
    ],
    [{ MAYFLY_TOKEN: ' given ' }, 'the variable MAYFLY_TOKEN', 'given', false],
    [{ MAYFLY_TOKEN_FILE: '/run/t' }, 'the file of MAYFLY_TOKEN_FILE', 'in /run/t', true],
    [{}, 'Kubernetes', 'in /var/run/secrets/mayfly/token', true],
  ]
  for (const [env, platform, token, fresh] of cases) {
    const found = find(env, { transport, run, readFile: async (path) => `in ${path}\n` })
    assert.deepEqual([found.platform, await found.token(), found.fresh], [platform, token, fresh])
  }
  assert.deepEqual(programs, [
    `buildkite-agent oidc request-token --audience ${url}`,
    `circleci run oidc get --claims {"aud":"${url}"}`,
  ])
})

test('a platform that gives no token says how to get one', async () => {
  const cases: readonly [Record<string, string>, RegExp][] = [
    [{ GITHUB_ACTIONS: 'true' }, /id-token: write/],
    [{ GITLAB_CI: 'true' }, /id_tokens:\n {2}MAYFLY_ID_TOKEN:\n {4}aud: https:\/\/mayfly\.example\.com$/],
    [{ BUILDKITE: 'true' }, /buildkite-agent gave no token/],
    [{ CIRCLECI: 'true' }, /context/],
    [{ MAYFLY_TOKEN_FILE: '/run/t' }, /no token in \/run\/t/],
    [{}, /id-token: write.*MAYFLY_TOKEN_FILE/s],
  ]
  for (const [env, message] of cases)
    await assert.rejects(
      find(env).token(),
      (thrown) => thrown instanceof IdTokenUnavailable && message.test(thrown.message),
    )
})
