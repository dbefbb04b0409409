import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { documentOf } from '../../../test/fakes/chromium.ts'
import { type PageResult, runPage } from './browser-page.ts'

const example = new URL('../../../examples/company/policies/', import.meta.url)
const read = (name: string) => ({ path: name, text: readFileSync(new URL(name, example), 'utf8') })
const files = readdirSync(example)
  .filter((name) => name.endsWith('.policy.yaml'))
  .map(read)
const lock = read('policy.lock.yaml')

/** For a browser: a Node built-in that somebody imports is an error here. */
async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { runPage } from './browser-page.ts'
        const { files, lock } = ${JSON.stringify({ files, lock })}
        document.body.textContent = encodeURIComponent(JSON.stringify(runPage(files, lock)))`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    write: false,
    minify: true,
    platform: 'browser',
    format: 'iife',
    charset: 'utf8',
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

test('the company example is proved and decided in a real browser as it is here', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-browser-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const script = await bundled()
  writeFileSync(join(folder, 'page.js'), script)
  const page = join(folder, 'page.html')
  writeFileSync(
    page,
    '<!doctype html><meta charset="utf-8"><body>nothing ran<script src="page.js"></script></body>',
  )
  const html = documentOf(pathToFileURL(page).href)
  const body = /<body>(.*)<\/body>/s.exec(html)?.[1] ?? html
  assert.match(body, /^%7B/, body.slice(0, 200))
  const there = JSON.parse(decodeURIComponent(body.trim())) as PageResult
  context.diagnostic(`bundle: ${(script.length / 1000).toFixed(0)} kB with the yaml reader and the example`)

  assert.deepEqual(there.problems, [])
  assert.ok(Object.keys(there.proofs).length >= 5)
  assert.deepEqual([...new Set(Object.values(there.proofs))], ['proved'])
  assert.deepEqual(there.decisions, {
    'a service deploys': 'grant',
    'from another branch': 'no_grant',
    'a staging job': 'no_grant',
    'with an environment in capitals': 'grant',
    'on its own machine': 'denied',
    'a fork that took the name': 'intake',
  })
  assert.deepEqual(there, runPage(files, lock))
})
