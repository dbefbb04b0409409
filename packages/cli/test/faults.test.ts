/** What a newcomer gets wrong first: each message says what, where, and how to mend it. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mayfly } from './command-line.ts'

const startup = join(import.meta.dirname, '../../../examples/startup/policies')
const env = { KEY_OF_ALL: randomBytes(32).toString('base64') }

/** A folder with a configuration that works, in which `changes` are made. */
function place(t: TestContext, changes: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mayfly-faults-test-')))
  t.after(() => rmSync(folder, { recursive: true }))
  let text = [
    'url: http://127.0.0.1:8080',
    'listen: 127.0.0.1:0',
    'store: { kind: sqlite, path: ./mayfly.db }',
    'keys:',
    '  encryption:',
    '    env: KEY_OF_ALL',
    'issuers: { github: { preset: github-actions } }',
    'policies: ./policies',
    '',
  ].join('\n')
  for (const [before, after] of Object.entries(changes)) {
    assert.ok(text.includes(before), before)
    text = text.replace(before, after)
  }
  writeFileSync(join(folder, 'mayfly.yaml'), text)
  cpSync(startup, join(folder, 'policies'), { recursive: true })
  return folder
}

async function check(cwd: string, given: Readonly<Record<string, string>> = env) {
  const { exitCode, stdout, stderr } = await mayfly(['check'], { cwd, env: given })
  return { exitCode, stdout, lines: stderr.trimEnd().split('\n') }
}

test('the configuration of these tests is good', async (t) => {
  assert.deepEqual(await check(place(t)), { exitCode: 0, stdout: 'mayfly.yaml: ok\n', lines: [''] })
})

test('a configuration that is not there: where it was looked for, and which option names another', async (t) => {
  const folder = place(t)
  rmSync(join(folder, 'mayfly.yaml'))
  const missing = await check(folder)
  assert.equal(missing.exitCode, 2)
  assert.deepEqual(missing.lines, [
    'mayfly.yaml: the file cannot be read (ENOENT)',
    `  help: ENOENT: nothing has that name there; looked for ${folder}/mayfly.yaml, and --config FILE names another`,
  ])
  mkdirSync(join(folder, 'mayfly.yaml'))
  assert.match((await check(folder)).lines[1] ?? '', /^ {2}help: EISDIR: it is a folder; /)
})

test('an environment variable that is missing or empty: which key of the configuration asks for it', async (t) => {
  const folder = place(t)
  for (const given of [{}, { KEY_OF_ALL: '' }]) {
    const { exitCode, lines } = await check(folder, given)
    assert.equal(exitCode, 2)
    assert.match(
      lines[0] ?? '',
      /^mayfly\.yaml:6:5: the environment variable KEY_OF_ALL is (?:not set|empty)$/,
    )
    assert.equal(
      lines.at(-1),
      '  help: `keys.encryption` asks for it; set KEY_OF_ALL for this command as for the server, or write { file: PATH } there',
    )
  }
})

test('a secret whose file is not there: which key asks for it, and where paths start', async (t) => {
  const folder = place(t, { '    env: KEY_OF_ALL': '    file: ./key' })
  const { exitCode, lines } = await check(folder)
  assert.equal(exitCode, 2)
  assert.equal(lines[0], `mayfly.yaml:6:5: the file ${folder}/key cannot be read (ENOENT)`)
  assert.equal(
    lines.at(-1),
    `  help: \`keys.encryption\` asks for it; ENOENT: nothing has that name there; relative paths start at ${folder}`,
  )
})

test('what is not YAML: the place, and once what to look at', async (t) => {
  const { exitCode, lines } = await check(place(t, { 'url: ': 'url: [' }))
  assert.equal(exitCode, 2)
  assert.match(lines[0] ?? '', /^mayfly\.yaml:\d+:\d+: this is not YAML/)
  assert.equal(lines.filter((line) => /help: look at this line and the one before/.test(line)).length, 1)
})

test('a folder of policies that is not there is named', async (t) => {
  const folder = place(t, { './policies': './rules' })
  assert.deepEqual((await check(folder)).lines, [
    'mayfly.yaml: the folder that `policies` names cannot be read',
    `  help: it is ${folder}/rules; relative paths start at ${folder}`,
  ])
})

test('an empty folder of policies is named, by `check`, `serve` and `policy check`', async (t) => {
  const folder = place(t)
  rmSync(join(folder, 'policies'), { recursive: true })
  mkdirSync(join(folder, 'policies'))
  for (const typed of [['check'], ['serve'], ['policy', 'check']]) {
    const { exitCode, stderr } = await mayfly(typed, { cwd: folder, env })
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /^policies\/:1:1: error P000: there is no policy file$/m, typed.join(' '))
    assert.match(stderr, /help: write a file `policies\/policies\.policy\.yaml`/)
  }
})

test('a lock that is not there: the command that writes it', async (t) => {
  const folder = place(t)
  rmSync(join(folder, 'policies/policy.lock.yaml'))
  const help = /help: there is no policy\.lock\.yaml; `mayfly policy lock policies` asks GitHub for the ids/
  for (const typed of [['check'], ['policy', 'check', 'policies/']]) {
    const { exitCode, stderr } = await mayfly(typed, { cwd: folder, env })
    assert.notEqual(exitCode, 0)
    assert.match(stderr, help, typed.join(' '))
  }
  writeFileSync(join(folder, 'policies/policy.lock.yaml'), 'owners: {}\nrepos: {}\nusers: {}\n')
  assert.doesNotMatch((await check(folder)).lines.join('\n'), help)
})

test('a warning of the policy has its file, its line and its code', async (t) => {
  const folder = place(t)
  const file = join(folder, 'policies/startup.policy.yaml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.slice(0, text.indexOf('\ntests:') + 1))
  const { exitCode, stdout, lines } = await check(folder)
  assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: 'mayfly.yaml: ok\n' })
  assert.match(lines[0] ?? '', /^policies\/startup\.policy\.yaml:\d+:\d+: warning P\d{3}: /)
  const json = await mayfly(['check', '--json'], { cwd: folder, env })
  const [first] = JSON.parse(json.stdout).warnings
  assert.deepEqual(
    { path: first.path, severity: first.severity },
    { path: 'policies/startup.policy.yaml', severity: 'warning' },
  )
})

test('a static secret that is old, of unknown age or unused is warned of, and is no fault', async (t) => {
  const secrets = 'connections: { secret: { npm: { env: KEY_OF_ALL, last_replaced: 2020-01-01 } } }'
  const folder = place(t, { 'policies: ./policies': `policies: ./policies\n${secrets}` })
  const { exitCode, stdout, lines } = await check(folder)
  assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: 'mayfly.yaml: ok\n' })
  assert.equal(
    lines[0],
    'mayfly.yaml: warning: connections.secret.npm is released by no target of the policy; take it out',
  )
  assert.match(lines[1] ?? '', /connections\.secret\.npm was last replaced on 2020-01-01, \d+ days ago/)
  const { warnings } = JSON.parse((await mayfly(['check', '--json'], { cwd: folder, env })).stdout)
  assert.equal(warnings.length, 2)
  assert.equal(warnings[0].severity, 'warning')
})

test('a key of a target that cannot be read is found before the server starts', async (t) => {
  const app = 'connections: { github_app: { bot: { app_id: 1, private_key: { env: KEY_OF_ALL } } } }'
  const { exitCode, lines } = await check(
    place(t, { 'policies: ./policies': `policies: ./policies\n${app}` }),
  )
  assert.equal(exitCode, 2)
  assert.match(lines[0] ?? '', /connections\.github_app\.bot\.private_key is not an RSA key in PEM/)
})

test('an address that is taken: which key to change, without a stack', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const folder = place(t, { '127.0.0.1:0': `127.0.0.1:${port}` })
  const { exitCode, stdout, stderr } = await mayfly(['serve', '--log-level', 'error'], { cwd: folder, env })
  assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' })
  assert.equal(
    stderr,
    `mayfly serve: cannot listen on 127.0.0.1:${port} (EADDRINUSE): another process listens there; stop it, or write another address as \`listen\`\n`,
  )
})

test('a file that a command was given and cannot read: why', async (t) => {
  const cwd = place(t)
  const ask = ['exchange', '--url', 'http://127.0.0.1:9', '--target', 'a', '--token-file']
  for (const typed of [[...ask], ['audit', 'verify']]) {
    const missing = await mayfly([...typed, 'nowhere'], { cwd })
    assert.equal(missing.exitCode, 2)
    assert.match(missing.stderr, /the file `nowhere` cannot be read \(ENOENT: nothing has that name there\)/)
    const folder = await mayfly([...typed, 'policies'], { cwd })
    assert.equal(folder.exitCode, 2)
    assert.match(folder.stderr, /the file `policies` cannot be read \(EISDIR: it is a folder\)/)
  }
})

test('a broker URL that came from the environment is said to', async (t) => {
  const cwd = place(t, {})
  const typed = ['exchange', '--target', 'a', '--token-file', 'mayfly.yaml']
  const wrong = await mayfly(typed, { cwd, env: { MAYFLY_URL: 'mayfly.example.com' } })
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /the variable MAYFLY_URL is no URL/)
  const refused = await mayfly([...typed, '--url', 'mayfly.example.com'], { cwd })
  assert.match(refused.stderr, /--url is no URL/)
})

test('nothing that came from outside is obeyed by the terminal', async (t) => {
  const cwd = place(t)
  const hostile = 'a\u001b[2J\u009b\u202e\u2028'
  const head = { checkpoint: 'x', format: 'mayfly-log-1', key: hostile }
  writeFileSync(join(cwd, 'log.jsonl'), `${JSON.stringify(head)}\n`)
  const forbidden = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/
  for (const typed of [
    ['audit', 'verify', 'log.jsonl'],
    ['audit', 'verify', 'log.jsonl', '--json'],
    ['audit', 'verify', hostile],
    ['check', '--config', hostile],
    ['leases', 'revoke', hostile],
  ]) {
    const { exitCode, stdout, stderr } = await mayfly(typed, { cwd, env })
    assert.notEqual(exitCode, 0)
    assert.doesNotMatch(stdout + stderr, forbidden, typed.join(' '))
  }
})
