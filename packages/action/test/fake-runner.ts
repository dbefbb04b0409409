import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtime } from '../../../test/fakes/runtimes.ts'

const dist = join(import.meta.dirname, '../dist')
const fileNames = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const
type FileName = (typeof fileNames)[number]

/** What a step left behind, as the runner sees it. */
export interface StepResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly files: Readonly<Record<FileName, string>>
}

/** One job on a runner: its files, and steps that run the committed bundle as a child process. */
export interface FakeJob {
  readonly temp: string
  /** Runs `main` or `post`; `started` gets the process, to send it signals. */
  run(step: 'main' | 'post', env: Record<string, string>, started?: (kill: Kill) => void): Promise<StepResult>
  close(): void
}

export type Kill = (signal: NodeJS.Signals) => void

export function startJob(): FakeJob {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-action-test-'))
  const temp = join(folder, 'temp')
  mkdirSync(temp)
  let steps = 0
  return {
    temp,
    run: async (step, env, started) => {
      steps++
      const paths = Object.fromEntries(fileNames.map((name) => [name, join(folder, `${name}-${steps}`)]))
      for (const path of Object.values(paths)) writeFileSync(path, '')
      const given = { PATH: process.env['PATH'] ?? '', RUNNER_TEMP: temp, ...paths, ...env }
      const ended = await runNode(join(dist, `${step}.js`), given, started)
      const read = (name: FileName) => readFileSync(paths[name] ?? '', 'utf8')
      const files = {
        GITHUB_ENV: read('GITHUB_ENV'),
        GITHUB_OUTPUT: read('GITHUB_OUTPUT'),
        GITHUB_STATE: read('GITHUB_STATE'),
        GITHUB_STEP_SUMMARY: read('GITHUB_STEP_SUMMARY'),
      }
      return { ...ended, files }
    },
    close: () => rmSync(folder, { recursive: true }),
  }
}

function runNode(script: string, env: Record<string, string>, started?: (kill: Kill) => void) {
  return new Promise<Pick<StepResult, 'exitCode' | 'stdout' | 'stderr'>>((resolve, reject) => {
    const child = spawn(runtime('node'), [script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
    started?.((signal) => child.kill(signal))
  })
}

/** Reads a file of `name<<delimiter` entries as the runner does; throws on anything else. */
export function entriesOf(text: string): Readonly<Record<string, string>> {
  const entries: Record<string, string> = {}
  const lines = text.split('\n')
  while (lines.length > 0) {
    const head = lines.shift() ?? ''
    if (head === '') continue
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(head) ?? []
    if (name === undefined || delimiter === undefined) throw new Error(`not an entry: ${head}`)
    const end = lines.indexOf(delimiter)
    if (end < 0) throw new Error(`entry ${name} has no end`)
    entries[name] = lines
      .splice(0, end + 1)
      .slice(0, -1)
      .join('\n')
  }
  return entries
}

/** The variables that the runner makes of the main step's state for the post step. */
export function stateVariables(result: StepResult): Record<string, string> {
  const entries = Object.entries(entriesOf(result.files.GITHUB_STATE))
  return Object.fromEntries(entries.map(([name, value]) => [`STATE_${name}`, value]))
}
