import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { nodeTransport } from './node-transport.ts'
import type { Runner } from './runner.ts'

/** The real surroundings: this process, in a job. */
export const nodeRunner: Runner = {
  env: process.env,
  write: (text) => {
    process.stdout.write(text)
  },
  appendFile: (path, text) => appendFileSync(path, text),
  createFile: (path, text) => writeFileSync(path, text, { mode: 0o600, flag: 'wx' }),
  createFolder: (path) => {
    mkdirSync(path, { mode: 0o700 })
  },
  removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
  randomName: () => randomBytes(16).toString('hex'),
  now: () => Math.floor(Date.now() / 1000),
  transport: nodeTransport,
  node: process.execPath,
  scriptPath: (name) => join(dirname(process.argv[1] ?? ''), name),
}
