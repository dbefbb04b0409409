import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { entriesOf } from './fake-runner.ts'
import { grantBody, type Scripted } from './fake-services.ts'
import { masksFirst, matches, startScenario } from './scenario.ts'

function granted(target: string, kind: string, credential?: Record<string, string>): Scripted {
  const token = `credential-for-${target}`
  return {
    status: 200,
    body: grantBody(target, token, { target_kind: kind, ...(credential && { credential }) }),
  }
}

const database = (password: string) => ({
  ...{ host: 'db.acme.example', port: '5432', database: 'orders', user: 'mayfly_ls_1' },
  ...{ password, url: `postgres://mayfly_ls_1:${password}@db.acme.example/orders` },
})

/** The environment that the steps which follow have. */
async function environmentAfter(
  t: TestContext,
  script: Record<string, Scripted>,
  inputs: Record<string, string>,
) {
  const token = Object.fromEntries(Object.entries(script).map(([target, answer]) => [target, [answer]]))
  const scenario = await startScenario(t, { token })
  const result = await scenario.job.run('main', scenario.step(inputs))
  assert.equal(result.exitCode, 0, result.stdout)
  return {
    scenario,
    result,
    env: entriesOf(result.files.GITHUB_ENV),
    outputs: entriesOf(result.files.GITHUB_OUTPUT),
  }
}

test('keys of AWS have the names that its tools look for', async (t) => {
  const keys = {
    access_key_id: 'ASIAEXAMPLE',
    secret_access_key: 'aws-secret',
    session_token: 'aws-session',
    region: 'eu-central-1',
    expiration: '2026-11-23T03:00:00Z',
  }
  const { scenario, result, env } = await environmentAfter(
    t,
    { deploy: granted('deploy', 'aws_role', keys) },
    { target: 'deploy' },
  )
  assert.deepEqual(env, {
    AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'aws-secret',
    AWS_SESSION_TOKEN: 'aws-session',
    AWS_REGION: 'eu-central-1',
    AWS_DEFAULT_REGION: 'eu-central-1',
  })
  masksFirst(result.stdout, ['aws-secret', 'aws-session', 'ASIAEXAMPLE'])
  assert.doesNotMatch(result.stdout, /add-mask::eu-central-1/)
  matches(t, 'form-aws', result, scenario)
})

test('of two databases each has variables of its own; one beside something else keeps the usual names', async (t) => {
  const script = {
    'db-a': granted('db-a', 'postgres_role', database('pw-a')),
    'db-b': granted('db-b', 'postgres_role', database('pw-b')),
  }
  const two = await environmentAfter(t, script, { target: 'db-a, db-b' })
  assert.equal(two.env['PGPASSWORD'], undefined)
  assert.deepEqual([two.env['PGPASSWORD_DB_A'], two.env['PGPASSWORD_DB_B']], ['pw-a', 'pw-b'])
  const docs = granted('docs', 'token')
  const mixed = await environmentAfter(t, { ...script, docs }, { target: 'db-a, docs' })
  assert.deepEqual(
    [mixed.env['PGPASSWORD'], mixed.env['PGHOST'], mixed.env['MAYFLY_TOKEN_DOCS']],
    ['pw-a', 'db.acme.example', 'credential-for-docs'],
  )
  assert.equal(mixed.env['MAYFLY_TOKEN_DB_A'], undefined)
})

test('parts are outputs of their own where outputs are asked for, and nothing is in the environment', async (t) => {
  const { env, outputs } = await environmentAfter(
    t,
    { db: granted('db', 'postgres_role', database('pw')) },
    { target: 'db', export: 'output' },
  )
  assert.deepEqual(env, {})
  assert.deepEqual(
    [outputs['password'], outputs['host'], outputs['user-db'], outputs['token']],
    ['pw', 'db.acme.example', 'mayfly_ls_1', undefined],
  )
})

test('a cluster is a kubeconfig, a host a key with its certificate; both for their owner alone, and gone after the job', async (t) => {
  const cluster = {
    token: 'k8s-token',
    server: 'https://k8s.acme.example',
    certificate_authority: 'PEM',
    expiration: 'x',
  }
  const host = {
    private_key: 'PRIVATE',
    certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA',
    principals: 'deploy',
  }
  const { scenario, result, env } = await environmentAfter(
    t,
    { cluster: granted('cluster', 'kubernetes', cluster), host: granted('host', 'ssh', host) },
    { target: 'cluster, host' },
  )
  const config = JSON.parse(readFileSync(env['KUBECONFIG'] ?? '', 'utf8'))
  assert.equal(config.users[0].user.token, 'k8s-token')
  assert.equal(
    Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64').toString(),
    'PEM',
  )
  const key = env['MAYFLY_SSH_KEY_HOST'] ?? ''
  assert.equal(readFileSync(key, 'utf8'), 'PRIVATE\n')
  assert.match(readFileSync(`${key}-cert.pub`, 'utf8'), /^ssh-ed25519-cert/)
  assert.equal(env['GIT_SSH_COMMAND'], `ssh -i "${key}" -o IdentitiesOnly=yes`)
  for (const file of [env['KUBECONFIG'] ?? '', key]) assert.equal(statSync(file).mode & 0o777, 0o600)
  const state = Object.fromEntries(
    Object.entries(entriesOf(result.files.GITHUB_STATE)).map(([name, value]) => [`STATE_${name}`, value]),
  )
  await scenario.job.run('post', { ...scenario.step({}), ...state })
  assert.throws(() => statSync(key))
})

test('a token of a GitHub App serves gh, actions and git', async (t) => {
  const { result, env } = await environmentAfter(t, { bot: granted('bot', 'github_app') }, { target: 'bot' })
  assert.equal(env['GH_TOKEN'], 'credential-for-bot')
  const header = `AUTHORIZATION: basic ${Buffer.from('x-access-token:credential-for-bot').toString('base64')}`
  assert.deepEqual(
    [env['GIT_CONFIG_KEY_0'], env['GIT_CONFIG_VALUE_0']],
    ['http.https://github.com/.extraheader', header],
  )
  masksFirst(result.stdout, ['credential-for-bot', header])
})

test('one string is given to npm or to docker in their own forms', async (t) => {
  const script = { publish: granted('publish', 'secret') }
  const npm = await environmentAfter(t, script, {
    target: 'publish',
    as: 'npm',
    registry: 'https://registry.acme.example/',
  })
  assert.equal(npm.env['NODE_AUTH_TOKEN'], 'credential-for-publish')
  const npmrc = readFileSync(npm.env['NPM_CONFIG_USERCONFIG'] ?? '', 'utf8')
  assert.equal(npmrc, `//registry.acme.example/:_authToken=\${NODE_AUTH_TOKEN}\n`)
  const docker = await environmentAfter(t, script, {
    target: 'publish',
    as: 'docker',
    registry: 'ghcr.acme.example',
    username: 'robot',
  })
  const { auths } = JSON.parse(readFileSync(`${docker.env['DOCKER_CONFIG']}/config.json`, 'utf8'))
  assert.equal(
    Buffer.from(auths['ghcr.acme.example'].auth, 'base64').toString(),
    'robot:credential-for-publish',
  )
})

test('a tool that is unknown, or that lacks its registry, is told before anything is asked for', async (t) => {
  const scenario = await startScenario(t)
  for (const [inputs, message] of [
    [{ as: 'pip' }, /Input `as` takes npm or docker/],
    [{ as: 'docker' }, /Input `registry` is missing/],
    [{ as: 'npm', registry: 'a b' }, /Input `registry` is a host/],
  ] as const) {
    const result = await scenario.job.run('main', scenario.step({ target: 'x', ...inputs }))
    assert.equal(result.exitCode, 1)
    assert.match(result.stdout, message)
  }
  assert.deepEqual(scenario.services.requests, [])
})

test('with refresh, AWS’s tools call for new keys themselves, each time with another token of the job', async (t) => {
  const keys = (n: number) => ({
    ...{ access_key_id: `ASIA${n}`, secret_access_key: `secret-${n}`, session_token: `session-${n}` },
    ...{ region: 'eu-central-1', expiration: '2026-11-23T03:00:00Z' },
  })
  const answers = [1, 2, 3].map((n) => granted('deploy', 'aws_role', keys(n)))
  const scenario = await startScenario(t, { token: { deploy: answers } })
  const inputs = scenario.step({ target: 'deploy', refresh: 'true' })
  const result = await scenario.job.run('main', inputs)
  assert.equal(result.exitCode, 0, result.stdout)
  const env = entriesOf(result.files.GITHUB_ENV)
  assert.deepEqual(Object.keys(env).toSorted(), ['AWS_CONFIG_FILE', 'AWS_DEFAULT_REGION', 'AWS_REGION'])
  const config = readFileSync(env['AWS_CONFIG_FILE'] ?? '', 'utf8')
  const [, command = ''] = /^credential_process = (.+)$/m.exec(config) ?? []
  for (const n of [2, 3]) {
    // As an SDK does it: by a shell.
    const { stdout } = await promisify(execFile)('sh', ['-c', command], {
      env: { PATH: process.env['PATH'], ...inputs },
    })
    assert.deepEqual(JSON.parse(stdout), {
      Version: 1,
      AccessKeyId: `ASIA${n}`,
      SecretAccessKey: `secret-${n}`,
      SessionToken: `session-${n}`,
      Expiration: '2026-11-23T03:00:00Z',
    })
  }
  const tokens = scenario.services.requests.join('\n').match(/subject_token = .*/g)
  assert.deepEqual(tokens, [
    'subject_token = id-token-1',
    'subject_token = id-token-2',
    'subject_token = id-token-3',
  ])
  const none = await promisify(execFile)('sh', ['-c', command], { env: { PATH: process.env['PATH'] } }).catch(
    (fault) => fault,
  )
  assert.deepEqual([none.code, none.stdout], [1, ''])
  assert.match(none.stderr, /^Mayfly: This job may not ask GitHub/)
})
