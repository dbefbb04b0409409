/** `mayfly exec`: the tools themselves use what a job gets, and nothing of it is left when they are over. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { mayfly } from '../../packages/cli/test/command-line.ts'
import { atEnd } from '../fakes/at-end.ts'
import { stsFor } from '../fakes/aws-sts.ts'
import { debianProgram } from '../fakes/debian-package.ts'
import { githubFor } from '../fakes/github.ts'
import { startMariadb } from '../fakes/mariadb.ts'
import { database } from '../fakes/postgres-for.ts'
import { startRedis } from '../fakes/redis.ts'
import { ask } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'
import { makeKey, startSshd } from '../fakes/sshd.ts'

const targets = {
  postgres: 'db: { tier: staging, access: write, max: 20m, postgres_role: { server: main, role: migrator } }',
  mysql:
    'shop: { tier: staging, access: write, max: 20m, mysql_role: { server: main, role: migrator, schema: shop } }',
  redis:
    'cache: { tier: staging, access: write, max: 20m, redis_user: { server: main, rules: ["~app:*", "+@read", "+set"] } }',
  ssh: 'hosts: { tier: staging, access: write, max: 15m, ssh: { authority: main, principals: [web] } }',
  aws: 'deploy: { tier: staging, access: admin, max: 30m, aws_role: "arn:aws:iam::111122223333:role/deploy" }',
} as const

async function start(
  t: TestContext,
  kind: keyof typeof targets,
  connection: string,
  files: Record<string, string>,
) {
  const github = await githubFor(t)
  const name = targets[kind].slice(0, targets[kind].indexOf(':'))
  const policy = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  ${targets[kind]}
grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [${name}, orders-api, orders-api-staging], for: 15m }
`
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  for (const [file, text] of Object.entries(files))
    writeFileSync(join(site.folder, file), text, { mode: 0o600 })
  appendFileSync(site.config, `connections: { ${kind}: { main: ${connection} } }\n`)
  const broker = await runBroker(t, site.config)
  const { env } = github.job(pushJob('staging'))
  const own = { MAYFLY_URL: site.url, ...env }
  const exec = (target: string, ...command: string[]) =>
    mayfly(['exec', '--target', target, '--', ...command], { env: own })
  /** States of all leases, ended ones too. */
  const states = async (): Promise<readonly string[]> => {
    const typed = [
      'leases',
      'list',
      '--state',
      'active,pending,stuck,revoked,expired',
      '--json',
      '--config',
      site.config,
    ]
    const { leases } = JSON.parse((await mayfly(typed)).stdout) as { leases: { state: string }[] }
    return leases.map(({ state }) => state)
  }
  return { site, broker, own, exec, states }
}

const server = '{ url: { file: ./server } }'

test('psql migrates with a role that is gone when it is over, however it ends', async (t) => {
  const admin = await database()
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: admin })
    await client.connect()
    return await client.query(text).finally(() => client.end())
  }
  await query('CREATE ROLE migrator')
  await query('CREATE TABLE orders (id int); GRANT ALL ON orders TO migrator')
  const { exec, states } = await start(t, 'postgres', server, { server: admin })
  const psql = debianProgram('/usr/bin/psql', 'postgresql-client')
  const good = await exec(
    'db',
    psql,
    '-X',
    '-At',
    '-c',
    'INSERT INTO orders VALUES (7) RETURNING current_user',
  )
  assert.deepEqual([good.exitCode, good.stderr], [0, ''])
  assert.match(good.stdout, /^mayfly_ls_\w{26}\n/)
  const bad = await exec('db', psql, '-X', '-v', 'ON_ERROR_STOP=1', '-c', 'SELECT * FROM nothing')
  assert.notEqual(bad.exitCode, 0)
  assert.deepEqual((await query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'mayfly%'")).rows, [])
  assert.deepEqual((await query('SELECT id FROM orders')).rows, [{ id: 7 }])
  assert.deepEqual(await states(), ['revoked', 'revoked'])
})

test('mysql and redis-cli themselves use what they get', async (t) => {
  const mariadb = await startMariadb()
  t.after(() => mariadb.stop())
  const shop = await start(t, 'mysql', server, { server: mariadb.broker })
  const mysql = debianProgram('/usr/bin/mysql', 'mariadb-client')
  const line = `${mysql} --defaults-extra-file="$MAYFLY_MYSQL_CNF" -N "$MYSQL_DATABASE" -e 'SELECT CURRENT_USER()'; echo "$MAYFLY_MYSQL_CNF"`
  const asked = await shop.exec('shop', 'sh', '-c', line)
  assert.deepEqual([asked.exitCode, asked.stderr], [0, ''])
  const [account = '', file = ''] = asked.stdout.split('\n')
  assert.match(account, /^mf_/)
  assert.ok(file !== '' && !existsSync(file))
  assert.deepEqual(await shop.states(), ['revoked'])

  const redis = await startRedis()
  t.after(() => redis.stop())
  const cache = await start(t, 'redis', server, { server: redis.broker })
  const cli = debianProgram('/usr/bin/redis-cli', 'redis-tools')
  const set = await cache.exec('cache', 'sh', '-c', `${cli} --no-auth-warning -u "$REDIS_URL" SET app:1 x`)
  assert.deepEqual([set.exitCode, set.stdout.trim()], [0, 'OK'])
})

test('ssh finds the key and its certificate in an agent of its own, which is gone afterwards', async (t) => {
  const folder = (await makeSite(t, { issuers: { github: 'http://127.0.0.1:1' } })).folder
  const authority = await makeKey(folder, '-t', 'ed25519')
  const sshd = await startSshd(['web'])
  atEnd(t, () => sshd.stop())
  sshd.trust(authority.publicKey)
  const connection = JSON.stringify({
    private_key: { file: './authority' },
    public_key: authority.publicKey.trim(),
  })
  const { exec, states } = await start(t, 'ssh', connection, { authority: authority.privateKey })
  const ssh = debianProgram('/usr/bin/ssh', 'openssh-client')
  const done = await exec(
    'hosts',
    'sh',
    '-c',
    `echo "$SSH_AUTH_SOCK"; ${ssh} ${sshd.place.map((word) => `'${word}'`).join(' ')} echo in`,
  )
  assert.equal(done.exitCode, 0, done.stderr)
  const [socket = '', said] = done.stdout.split('\n')
  assert.equal(said, 'in')
  assert.ok(socket !== '' && !existsSync(socket))
  assert.deepEqual(await states(), ['revoked'])
})

test("AWS's own client gets keys at an endpoint that only it can ask, and they are not in its variables", async (t) => {
  const keys = new Map<string, object>()
  const sts = await stsFor(t, {
    ...{ now: Date.now, region: 'eu-central-1', roles: ['arn:aws:iam::111122223333:role/deploy'] },
    provider: {
      get issuer() {
        return url
      },
      key: (kid) => {
        const jwk = keys.get(kid)
        return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
      },
    },
  })
  let url = ''
  const { site, broker, exec, states } = await start(
    t,
    'aws',
    `{ mode: web_identity, region: eu-central-1, sts: "${sts.url}" }`,
    {},
  )
  url = site.url
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const key of body['keys'] as readonly { kid: string }[]) keys.set(key.kid, key)
  const script = `
    import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
    const { env } = process
    const uri = env.AWS_CONTAINER_CREDENTIALS_FULL_URI
    const stranger = await fetch(uri)
    const guess = await fetch(uri, { headers: { authorization: 'x'.repeat(env.AWS_CONTAINER_AUTHORIZATION_TOKEN.length) } })
    const { Arn } = await new STSClient({ endpoint: '${sts.url}' }).send(new GetCallerIdentityCommand({}))
    console.log(JSON.stringify([stranger.status, guess.status, env.AWS_ACCESS_KEY_ID ?? null, env.AWS_REGION, Arn]))`
  const done = await exec('deploy', process.execPath, '--input-type=module', '-e', script)
  assert.equal(done.exitCode, 0, done.stderr)
  const [stranger, guess, key, region, arn] = JSON.parse(done.stdout)
  assert.deepEqual([stranger, guess, key, region], [401, 401, null, 'eu-central-1'])
  assert.match(arn, /assumed-role\/deploy\//)
  assert.deepEqual(await states(), ['revoked'])
})

test('signals reach the command, its exit code comes back, and no secret is on a command line, on disk or left', async (t) => {
  const { own, exec, states } = await start(t, 'redis', server, { server: 'redis://none@127.0.0.1:1' })
  assert.equal((await exec('orders-api', 'sh', '-c', 'exit 7')).exitCode, 7)
  const absent = await exec('orders-api', 'no-such-program')
  assert.deepEqual(
    [absent.exitCode, absent.stderr],
    [127, 'mayfly exec: there is no program `no-such-program`\n'],
  )
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Not a shell: one that was started with a signal ignored cannot trap it.
    const script = `process.on('${signal}', () => { console.log('got'); process.exit(9) })
      console.log(process.env.MAYFLY_TOKEN_ORDERS_API); setInterval(() => {}, 1000)`
    const words = [
      '--conditions=mayfly-source',
      main,
      'exec',
      '--target',
      'orders-api',
      '--',
      process.execPath,
      '-e',
      script,
    ]
    const child = spawn(process.execPath, words, { env: { PATH: process.env['PATH'], ...own } })
    const [first] = (await once(child.stdout, 'data')) as [Buffer]
    const token = first.toString().trim()
    assert.match(token, /^ey/)
    const lines = readdirSync('/proc').flatMap((pid) => {
      const file = `/proc/${pid}/cmdline`
      return /^\d+$/.test(pid) && existsSync(file) ? [readable(file)] : []
    })
    assert.ok(!lines.some((line) => line.includes(token)), 'a secret is on a command line')
    child.kill(signal)
    const rest = once(child.stdout, 'data')
    const [code] = (await once(child, 'close')) as [number]
    assert.deepEqual([code, String((await rest)[0])], [9, 'got\n'])
  }
  assert.deepEqual(new Set(await states()), new Set(['revoked']))
  const { stdout } = await exec('orders-api', 'sh', '-c', 'env')
  assert.doesNotMatch(stdout, /ACTIONS_ID_TOKEN/)
})

test('of two targets of which one is refused nothing is run, and the one that was granted is given back', async (t) => {
  const { exec, states, own } = await start(t, 'redis', server, { server: 'redis://none@127.0.0.1:1' })
  const refused = await exec('orders-api,none', 'sh', '-c', 'echo ran')
  assert.deepEqual([refused.exitCode, refused.stdout], [1, ''])
  assert.match(refused.stderr, /invalid_target/)
  assert.deepEqual(await states(), ['revoked'])
  const twice = await exec('TOKEN=orders-api,TOKEN=orders-api-staging', 'sh', '-c', 'echo ran')
  assert.deepEqual([twice.exitCode, twice.stdout], [2, ''])
  assert.match(twice.stderr, /two of the targets would set TOKEN/)
  assert.equal((await mayfly(['exec', '--target', 'orders-api'], { env: own })).exitCode, 2)
})

test('doctor says what is right, and what is not', async (t) => {
  const { own } = await start(t, 'redis', server, { server: 'redis://none@127.0.0.1:1' })
  const doctor = (env: Record<string, string>, ...typed: string[]) => mayfly(['doctor', ...typed], { env })
  const good = await doctor(own, '--target', 'orders-api')
  assert.equal(good.exitCode, 0, good.stdout)
  assert.match(
    good.stdout,
    /^ok {5}http:\S+ is a Mayfly broker\nok .*clock.*\nok .*GitHub Actions gives a token.*\nok .*`orders-api` is granted for 900 s, by shop\n$/,
  )
  const none = await doctor({ MAYFLY_URL: own.MAYFLY_URL, GITHUB_ACTIONS: 'true' })
  assert.deepEqual([none.exitCode, /id-token: write/.test(none.stdout)], [1, true])
  const elsewhere = await doctor({ ...own, MAYFLY_URL: 'http://127.0.0.1:65533' })
  assert.match(
    elsewhere.stdout,
    /^wrong {2}http:\/\/127\.0\.0\.1:65533 cannot be reached \(ECONNREFUSED\): nothing listens there\n$/,
  )
  const localhost = await doctor({ ...own, MAYFLY_URL: own.MAYFLY_URL.replace('127.0.0.1', 'localhost') })
  assert.match(localhost.stdout, /^wrong {2}The broker calls itself http:\/\/127/m)
  const refused = await doctor(own, '--target', 'order-api')
  assert.match(refused.stdout, /did you mean orders-api\?/)
  const other = await doctor({ MAYFLY_URL: own.MAYFLY_URL, MAYFLY_TOKEN: 'x' })
  assert.match(other.stdout, /no identity token/)
})

function readable(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
