/** `mayfly exec` in hard conditions: stopped before its command began and while it gives back, in a polluted environment. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { githubFor } from '../fakes/github.ts'
import { database } from '../fakes/postgres-for.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const policy = (more: string, names: string) => `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
${more}
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [orders-api, orders-api-staging${names}], for: 15m }
`

async function start(t: TestContext, more = '', names = '') {
  const github = await githubFor(t)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy: policy(more, names) })
  const run = () => runBroker(t, site.config)
  const own = { MAYFLY_URL: site.url, ...github.job(pushJob('staging')).env }
  const states = async (): Promise<readonly string[]> => {
    const typed = ['leases', 'list', '--state', 'active,pending,stuck,revoked,expired', '--json']
    const { stdout } = await mayfly([...typed, '--config', site.config])
    return (JSON.parse(stdout) as { leases: { state: string }[] }).leases.map(({ state }) => state)
  }
  return { site, run, own, states }
}

/** Stands before a broker and holds what comes to `path` until it is let through; `reached` resolves with the first. */
async function holdingDoor(t: TestContext, broker: string, path: string) {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  let arrive = () => {}
  const reached = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    if (request.url === path) {
      arrive()
      await opened
    }
    const { method = 'GET', headers, url = '/' } = request
    const answer = await fetch(`${broker}${url}`, {
      ...{ method, body, redirect: 'manual' },
      headers: { 'content-type': headers['content-type'] ?? '' },
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => server.close())
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, reached, open }
}

function execProcess(env: Readonly<Record<string, string>>, ...typed: readonly string[]) {
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
  const child = spawn(process.execPath, ['--conditions=mayfly-source', main, 'exec', ...typed], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => said.push(text))
  return {
    child,
    said: () => said.join(''),
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  }
}

test('a signal before the command began: what is under way comes to its end, is given back, and nothing runs', async (t) => {
  const { run, own, states } = await start(t)
  const broker = await run()
  const door = await holdingDoor(t, broker.url, '/token')
  const tokens = { MAYFLY_TOKEN: await tokenOf(own), MAYFLY_URL: door.url }
  const { child, ended, said } = execProcess(tokens, '--target', 'orders-api', '--', 'sh', '-c', 'echo ran')
  await door.reached
  child.kill('SIGTERM')
  door.open()
  assert.deepEqual([await ended, said()], [143, ''])
  assert.deepEqual(await states(), ['revoked'])
})

test('a job that is cancelled gets more than one signal: the second does not stop the giving back', async (t) => {
  const { run, own, states } = await start(t)
  const broker = await run()
  const door = await holdingDoor(t, broker.url, '/revoke')
  const tokens = { MAYFLY_TOKEN: await tokenOf(own), MAYFLY_URL: door.url }
  const { child, ended, said } = execProcess(
    tokens,
    ...[
      '--target',
      'orders-api',
      '--',
      'sh',
      '-c',
      'trap "exit 9" INT; echo ready; while :; do sleep 0.05; done',
    ],
  )
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  await door.reached
  child.kill('SIGTERM')
  door.open()
  assert.deepEqual([await ended, said()], [9, 'ready\n'])
  assert.deepEqual(await states(), ['revoked'])
})

test('no way to get tokens of the job is left to the command, whichever one was used', async (t) => {
  const { run, own } = await start(t)
  await run()
  const env = { ...own, SHOWN: await tokenOf(own), MAYFLY_ID_TOKEN: 'other', CIRCLE_OIDC_TOKEN_V2: 'third' }
  const line = ['--target', 'orders-api', '--', 'sh', '-c', 'env']
  const { stdout, exitCode } = await mayfly(['exec', '--token-env', 'SHOWN', ...line], { env })
  assert.equal(exitCode, 0)
  assert.doesNotMatch(stdout, /ACTIONS_ID_TOKEN|SHOWN|MAYFLY_ID_TOKEN|CIRCLE_OIDC/)
  const kept = await mayfly(['exec', '--keep-platform-token', ...line], { env })
  assert.match(kept.stdout, /ACTIONS_ID_TOKEN_REQUEST_TOKEN/)
})

test('where a job has one token, two targets are refused before anything is asked', async (t) => {
  const { run, own, states } = await start(t)
  await run()
  const typed = ['exec', '--target', 'orders-api,orders-api-staging', '--', 'true']
  const env = { MAYFLY_URL: own.MAYFLY_URL, GITLAB_CI: 'true', MAYFLY_ID_TOKEN: 'one' }
  const { exitCode, stderr } = await mayfly(typed, { env })
  assert.deepEqual([exitCode, /GitLab CI gives this job one token/.test(stderr)], [2, true], stderr)
  assert.deepEqual(await states(), [])
})

/** Neither npm nor Debian has Terraform: the story is told where it is installed, and psql's where not. */
const terraform = ['/usr/local/bin/terraform', '/usr/bin/terraform'].find((path) => existsSync(path))

async function terraformKeepsItsState(t: TestContext, terraform: string): Promise<void> {
  const admin = await database()
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: admin })
    await client.connect()
    return await client.query(text).finally(() => client.end())
  }
  await query('CREATE ROLE migrator; CREATE SCHEMA tf AUTHORIZATION migrator')
  await query(
    'CREATE TABLE tf.states (id bigserial PRIMARY KEY, name text UNIQUE, data text); ALTER TABLE tf.states OWNER TO migrator; CREATE SEQUENCE public.global_states_id_seq; ALTER SEQUENCE public.global_states_id_seq OWNER TO migrator',
  )
  const target =
    'db: { tier: staging, access: write, max: 20m, postgres_role: { server: main, role: migrator } }'
  const { site, run, own, states } = await start(t, `  ${target}`, ', db')
  writeFileSync(join(site.folder, 'server'), admin, { mode: 0o600 })
  appendFileSync(site.config, 'connections: { postgres: { main: { url: { file: ./server } } } }\n')
  await run()
  const cwd = join(site.folder, 'terraform')
  mkdirSync(cwd)
  writeFileSync(
    join(cwd, 'main.tf'),
    `terraform {
  backend "pg" {
    schema_name = "tf"
    skip_schema_creation = true
    skip_table_creation  = true
    skip_index_creation  = true
  }
}
resource "terraform_data" "release" { input = "42" }
output "release" { value = terraform_data.release.output }
`,
  )
  const line = `${terraform} init -no-color -input=false && ${terraform} apply -no-color -auto-approve -input=false`
  // What is left over from elsewhere would send the password to another host.
  const env = { ...own, CHECKPOINT_DISABLE: '1', PGHOSTADDR: '192.0.2.1', PGSSLMODE: 'disable', HOME: cwd }
  const done = await mayfly(['exec', '--target', 'db', '--', 'sh', '-c', line], { env, cwd })
  assert.equal(done.exitCode, 0, done.stdout + done.stderr)
  assert.match(done.stdout, /Successfully configured the backend "pg"[\s\S]*release = "42"/)
  assert.match((await query('SELECT data FROM tf.states')).rows[0]?.data, /"terraform_data"/)
  assert.deepEqual((await query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'mayfly%'")).rows, [])
  assert.deepEqual(await states(), ['revoked'])
  const stored = readdirSync(cwd, { recursive: true, encoding: 'utf8' })
  assert.ok(
    stored.some((name) => name.endsWith('terraform.tfstate')) && !existsSync(join(cwd, 'terraform.tfstate')),
  )
}

if (terraform !== undefined) {
  test('terraform keeps its state in PostgreSQL with a role that is gone when it is over', (t) =>
    terraformKeepsItsState(t, terraform))
}

/** An identity token of the job, as its own steps get it. */
async function tokenOf(own: Readonly<Record<string, string>>): Promise<string> {
  const url = new URL(own['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '')
  url.searchParams.set('audience', own['MAYFLY_URL'] ?? '')
  const headers = { authorization: `Bearer ${own['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}` }
  return ((await (await fetch(url, { headers })).json()) as { value: string }).value
}
