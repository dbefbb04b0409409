/** The story that `npm start` tells; and that each of its steps notices when it does not do what it says. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runDemo } from '../../packages/cli/src/demo/demo.ts'
import type { DemoParts } from '../../packages/cli/src/demo/parts.ts'
import { realParts } from '../../packages/cli/src/demo/real-parts.ts'
import { titles } from '../../packages/cli/src/demo/story.ts'
import type { Terminal } from '../../packages/cli/src/terminal.ts'

const root = join(import.meta.dirname, '../..')
const real = await realParts()

/** What `npm start` runs, as its manifest says, in an environment with a temporary folder of its own. */
function startDemo(t: TestContext, ...more: string[]) {
  const temp = folder(t)
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, ...words] = String(scripts.start).split(' ')
  return { ...startNode([...words, ...more], { TMPDIR: temp }), temp }
}

function startNode(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const given = { PATH: process.env['PATH'] ?? '', ...env }
  const child = spawn(process.execPath, words, { cwd: root, env: given })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { child, ended, output: () => output }
}

test('npm start -- --once tells seven steps, ends well, and leaves nothing behind', {
  timeout: 60_000,
}, async (t) => {
  const { ended, temp, output } = startDemo(t, '--once')
  assert.equal(await ended, 0, output())
  const lines = output().trimEnd().split('\n')
  assert.equal(lines.at(-1), 'mayfly demo: ok')
  assert.deepEqual(
    lines.filter((line) => /^\d\/7 /.test(line)),
    titles.map((title, position) => `${position + 1}/7 ${title}`),
  )
  // A path or a key that is longer is not broken; nothing of the kind is in the story.
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  )
  assert.deepEqual(readdirSync(temp), [])
})

test('without --once it stays up for exploring until it is interrupted', { timeout: 60_000 }, async (t) => {
  const { child, ended, temp, output } = startDemo(t)
  await new Promise<void>((resolve) => {
    child.stdout.on('data', () => {
      if (output().includes('leases revoke')) resolve()
    })
  })
  const [, header, url] = /curl -H @(\S+)(?: \\\n)? +(\S+)/.exec(output()) ?? []
  const authorization = readFileSync(header ?? '', 'utf8')
    .trim()
    .replace(/^Authorization: /, '')
  const answer = await fetch(url ?? '', { headers: { authorization } })
  assert.equal(answer.status, 200)
  child.kill('SIGINT')
  assert.equal(await ended, 0, output())
  assert.deepEqual(readdirSync(temp), [])
})

test('a step that fails ends the process with exit code 1, and stands in the last line', async (t) => {
  const text = `
    import { runDemo } from './packages/cli/src/demo/demo.ts'
    import { realParts } from './packages/cli/src/demo/real-parts.ts'
    import { processTerminal } from './packages/cli/src/terminal.ts'
    const parts = { ...(await realParts()), policies: ${JSON.stringify(policyWith(t, { 'environment: staging': 'environment: preview' }))} }
    process.exitCode = await runDemo(parts, processTerminal, { once: false })`
  const { ended, output } = startNode(['--conditions=mayfly-source', '--input-type=module', '--eval', text])
  assert.equal(await ended, 1, output())
  assert.match(output().trimEnd().split('\n').at(-1) ?? '', /^mayfly demo: step 3 failed \(/)
})

/** Runs the story with some parts replaced, in this process. */
async function tell(broken: Partial<DemoParts>) {
  let output = ''
  const terminal: Terminal = {
    write: async (text) => {
      output += text
    },
    tell: () => {},
    progress: () => {},
    env: {},
    readInput: async () => '',
    untilStopped: (signal) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve())
      }),
    onHangUp: () => () => {},
  }
  const exitCode = await runDemo({ ...real, ...broken }, terminal, { once: true })
  return { exitCode, lastLine: output.trimEnd().split('\n').at(-1) ?? '', output }
}

/** The story must stop at this step, and say so in its last line. */
async function stopsAt(step: number, why: RegExp, broken: Partial<DemoParts>): Promise<void> {
  const { exitCode, lastLine, output } = await tell(broken)
  assert.equal(exitCode, 1, output)
  assert.ok(lastLine.startsWith(`mayfly demo: step ${step} failed (${titles[step - 1]}): `), lastLine)
  assert.match(lastLine, why)
  assert.doesNotMatch(output, /demo: ok/)
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mayfly-demo-test-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

/** A copy of the example's policy with some texts replaced, and without its tests, which would find it first. */
function policyWith(t: TestContext, replacements: Readonly<Record<string, string>>): string {
  const copy = folder(t)
  cpSync(real.policies, copy, { recursive: true })
  const file = join(copy, 'startup.policy.yaml')
  let text = readFileSync(file, 'utf8')
  for (const [before, after] of Object.entries(replacements)) {
    assert.ok(text.includes(before), before)
    text = text.replace(before, after)
  }
  writeFileSync(file, text.slice(0, text.indexOf('\ntests:') + 1))
  return copy
}

/** The action's bundle, on a runner that never gets to see its commands. */
function actionWithoutCommands(t: TestContext): DemoParts['action'] {
  const main = join(folder(t), 'main.mjs')
  const text = `const write = process.stdout.write.bind(process.stdout)
    process.stdout.write = (text) => String(text).startsWith('::') || write(text)
    await import(${JSON.stringify(real.action.main)})`
  writeFileSync(main, text)
  return { ...real.action, main }
}

/** A proxy that passes everything on, and takes the token out as ours does. */
async function openProxy(t: TestContext, upstream: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${upstream}${request.url}`)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('step 1 notices a policy with a fault', async (t) => {
  await stopsAt(1, /unknown key `targts`/, { policies: policyWith(t, { 'targets:': 'targts:' }) })
})

test('step 1 notices a broker that is not ready', async () => {
  await stopsAt(1, /not ready: status 404/, {
    openBroker: async (options) => {
      const running = await real.openBroker(options)
      return { ...running, url: `${running.url}/elsewhere` }
    },
  })
})

test('step 2 notices a token service that is down', async () => {
  await stopsAt(2, /exit code 1/, {
    startGithub: async () => {
      const github = await real.startGithub()
      github.faults.idToken = { kind: 'status', status: 403 }
      return github
    },
  })
})

test('step 2 notices a token service that never answers', async () => {
  await stopsAt(2, /not done within 1000 ms/, {
    patienceMs: 1000,
    startGithub: async () => {
      const github = await real.startGithub()
      github.faults.idToken = { kind: 'silent' }
      return github
    },
  })
})

test('step 2 notices an action that does not mask the token', async (t) => {
  await stopsAt(2, /did not mask/, { action: actionWithoutCommands(t) })
})

test('step 3 notices a proxy that lets everybody in', async (t) => {
  await stopsAt(3, /answered 200 instead of 401/, {
    openBroker: async (options) => {
      const running = await real.openBroker(options)
      const upstream = /upstream: "([^"]+)"/.exec(readFileSync(options.path, 'utf8'))?.[1] ?? ''
      const url = await openProxy(t, upstream)
      return { ...running, routes: running.routes.map(({ name }) => ({ name, url })) }
    },
  })
})

test('step 3 notices a policy that gives production to staging', async (t) => {
  // With the tier production the policy would not even load: the baseline's proof fails.
  const wider = {
    'tier: production': 'tier: shared',
    'environment: production, runner': 'environment: [production, staging], runner',
  }
  await stopsAt(3, /got orders-api/, { policies: policyWith(t, wider) })
})

test('step 4 notices a policy that gives production to pull requests', async (t) => {
  // For a target of tier production the loader refuses such a grant.
  const wider = {
    'tier: production': 'tier: sandbox',
    'branch: main, environment: production': 'environment: production, event: [push, pull_request]',
  }
  await stopsAt(4, /got orders-api/, { policies: policyWith(t, wider) })
})

test('step 5 notices a webhook that got lost', async () => {
  await stopsAt(5, /answered 200 instead of 401/, {
    startGithub: async () => ({
      ...(await real.startGithub()),
      completeJob: async () => new Response('', { status: 202 }),
    }),
  })
})

test('step 5 notices a webhook that was not accepted', async () => {
  await stopsAt(5, /answered with 401/, {
    startGithub: async () => {
      const github = await real.startGithub()
      return { ...github, completeJob: (job, url) => github.completeJob(job, url, 'not the secret') }
    },
  })
})

test('step 6 notices a log that is not whole', async () => {
  await stopsAt(6, /not whole/, {
    mayfly: (typed, terminal) => {
      const write = async (text: string) =>
        terminal.write(text.replace('credential.issued', 'credential.Issued'))
      return real.mayfly(typed, typed[1] === 'export' ? { ...terminal, write } : terminal)
    },
  })
})

test('step 6 notices a verifier that finds nothing', async () => {
  await stopsAt(6, /flipped byte was not found/, {
    mayfly: async (typed, terminal) => (typed[1] === 'verify' ? 0 : real.mayfly(typed, terminal)),
  })
})

test('step 7 notices a secret in the log', async () => {
  await stopsAt(7, /a secret is in the broker's log/, {
    openBroker: async (options) => {
      const key = readFileSync(join(options.path, '../master-key'), 'utf8')
      options.writeLog?.(`{"message":"opened with ${key.trim()}"}\n`)
      return real.openBroker(options)
    },
  })
})
