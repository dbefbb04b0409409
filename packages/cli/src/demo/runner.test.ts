import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type JobRunner, openRunner } from './runner.ts'

/** A runner for an action whose scripts are these. */
function runner(t: TestContext, main: string, post = ''): { job: JobRunner; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-runner-test-'))
  const start = `const fs = require('node:fs'); const { env } = process; const leave = (file, text) => fs.appendFileSync(env[file], text);\n`
  const script = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, start + text)
    return path
  }
  const action = { main: script('main.cjs', main), post: script('post.cjs', post) }
  const job = openRunner({ action, env: { GITHUB_REPOSITORY: 'acme/shop' }, folder })
  t.after(() => {
    job.close()
    rmSync(folder, { recursive: true })
  })
  return { job, folder }
}

test('a step gets its inputs and the platform’s variables, and nothing of ours', async (t) => {
  process.env['MAYFLY_TEST_SECRET'] = 'ours'
  t.after(() => delete process.env['MAYFLY_TEST_SECRET'])
  const { job } = runner(
    t,
    'console.log(env.INPUT_TARGET, env.GITHUB_REPOSITORY, env.CI, env.MAYFLY_TEST_SECRET)',
  )
  const { exitCode, log } = await job.main({ target: 'orders-api' })
  assert.deepEqual({ exitCode, log }, { exitCode: 0, log: ['orders-api acme/shop true undefined'] })
})

test('what was masked is not shown, neither in this step nor in a later one', async (t) => {
  const secret = 's3cret:100%'
  const { job } = runner(
    t,
    `process.stdout.write('::add-mask::s3cret:100%25\\n'); console.log('got ${secret}'); console.error('${secret}!')`,
    `console.log('giving ${secret} back')`,
  )
  const main = await job.main({})
  assert.deepEqual(main.masked, [secret])
  assert.deepEqual([...main.log].sort(), ['***!', '::add-mask::***', 'got ***'])
  const post = await job.post()
  assert.deepEqual(post.log, ['giving *** back'])
  assert.deepEqual(post.masked, [])
})

test('files of a step become variables, outputs and a summary', async (t) => {
  const { job } = runner(
    t,
    `leave('GITHUB_ENV', 'A=1\\nB<<END\\ntwo\\nlines=C\\nEND\\n'); leave('GITHUB_OUTPUT', 'o=x=y\\n'); leave('GITHUB_STEP_SUMMARY', '# Hi')`,
    `console.log(env.A, JSON.stringify(env.B))`,
  )
  const { environment, outputs, summary } = await job.main({})
  assert.deepEqual({ ...environment }, { A: '1', B: 'two\nlines=C' })
  assert.deepEqual({ ...outputs }, { o: 'x=y' })
  assert.equal(summary, '# Hi')
  assert.deepEqual((await job.post()).log, ['1 "two\\nlines=C"'])
})

test('the post step has the state and the inputs of the main step', async (t) => {
  const { job } = runner(
    t,
    `leave('GITHUB_STATE', 'lease<<X\\nls_1\\nX\\n'); console.log(env.STATE_lease)`,
    `console.log(env.STATE_lease, env.INPUT_URL)`,
  )
  assert.deepEqual((await job.main({ url: 'http://127.0.0.1' })).log, ['undefined'])
  assert.deepEqual((await job.post()).log, ['ls_1 http://127.0.0.1'])
})

test('a failed step says so; its annotation is shown as a person sees it', async (t) => {
  const { job } = runner(
    t,
    `console.log('::error title=Mayfly%3A no::line 1%0Aline 2'); process.exitCode = 1`,
  )
  const { exitCode, log } = await job.main({})
  assert.deepEqual({ exitCode, log }, { exitCode: 1, log: ['Error: Mayfly: no: line 1', 'line 2'] })
})

test('a value without its end is a fault, as in a real runner', async (t) => {
  const { job } = runner(t, `leave('GITHUB_ENV', 'A<<END\\nnever closed\\n')`)
  await assert.rejects(job.main({}), /value of A .* has no end/)
})

test('nothing of a job stays behind', (t) => {
  const { job, folder } = runner(t, '')
  job.close()
  assert.deepEqual(readdirSync(folder).sort(), ['main.cjs', 'post.cjs'])
})
