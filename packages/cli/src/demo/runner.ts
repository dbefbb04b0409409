/**
 * Runs an action's bundle as GitHub's runner does: inputs as variables, files for what a step leaves behind, commands
 * on standard output, masks over everything that is shown, state for the post step alone.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFileCommands } from './runner-files.ts'
import { openLog, type StepLog } from './runner-log.ts'

/** The scripts that `action.yml` names. */
export interface ActionBundle {
  readonly main: string
  readonly post: string
}

export interface RunnerOptions {
  readonly action: ActionBundle
  /** What the platform gives to this job: the variables of its token service, `GITHUB_REPOSITORY` and the like. */
  readonly env: Readonly<Record<string, string>>
  /** An existing folder that the runner may fill. */
  readonly folder: string
}

/** What a step left behind, as the steps after it and a person see it. */
export interface StepResult {
  readonly exitCode: number | null
  /** What a person reads, masks applied. */
  readonly log: readonly string[]
  /** Every value that was masked in this step: secrets. */
  readonly masked: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly outputs: Readonly<Record<string, string>>
  /** Markdown of the job's summary. */
  readonly summary: string
}

export interface JobRunner {
  /** Runs the main script with these inputs. */
  main(inputs: Readonly<Record<string, string>>): Promise<StepResult>
  /** Runs the post script with the inputs and the state of the main step. */
  post(): Promise<StepResult>
  /** Ends what still runs, and removes the job's folder. */
  close(): void
}

interface Kept {
  inputs: Record<string, string>
  state: Readonly<Record<string, string>>
  exported: Record<string, string>
  steps: number
}

/** Makes the folder of one job and answers with its runner. */
export function openRunner({ action, env, folder }: RunnerOptions): JobRunner {
  const home = mkdtempSync(join(folder, 'runner-'))
  const temp = join(home, 'temp')
  mkdirSync(temp, { mode: 0o700 })
  const log = openLog()
  const over = new AbortController()
  const kept: Kept = { inputs: {}, state: {}, exported: {}, steps: 0 }
  const run = async (script: string, state: Readonly<Record<string, string>>): Promise<StepResult> => {
    const files = makeFiles(home, ++kept.steps)
    const given = { ...platform(temp), ...env, ...kept.exported, ...kept.inputs, ...state, ...files }
    const step = log.step()
    const exitCode = await runNode(script, given, step, over.signal)
    const read = (name: keyof typeof files) => readFileCommands(readFileSync(files[name], 'utf8'))
    const environment = read('GITHUB_ENV')
    Object.assign(kept.exported, environment)
    kept.state = read('GITHUB_STATE')
    const summary = readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8')
    const { lines, masked } = step
    return { exitCode, log: lines(), masked: masked(), environment, outputs: read('GITHUB_OUTPUT'), summary }
  }
  return {
    main: (inputs) => {
      kept.inputs = prefixed('INPUT_', inputs, (name) => name.replaceAll(' ', '_').toUpperCase())
      return run(action.main, {})
    },
    post: () => run(action.post, prefixed('STATE_', kept.state)),
    close: () => {
      over.abort()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Nothing of our own environment but the way to programs. */
function platform(temp: string): Record<string, string> {
  const path = process.env['PATH'] ?? ''
  return {
    PATH: path,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    RUNNER_TEMP: temp,
    RUNNER_ENVIRONMENT: 'github-hosted',
  }
}

function makeFiles(home: string, step: number) {
  const make = (name: string) => {
    const path = join(home, `${name}-${step}`)
    writeFileSync(path, '', { mode: 0o600, flag: 'wx' })
    return path
  }
  return {
    GITHUB_ENV: make('environment'),
    GITHUB_OUTPUT: make('output'),
    GITHUB_STATE: make('state'),
    GITHUB_STEP_SUMMARY: make('summary'),
  }
}

function prefixed(
  prefix: string,
  members: Readonly<Record<string, string>>,
  spell = (name: string) => name,
): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [prefix + spell(name), value]))
}

/** Answers with the exit code; `null` when the step was ended by `signal`. */
function runNode(
  script: string,
  env: Record<string, string>,
  step: StepLog,
  signal: AbortSignal,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const kill = () => child.kill('SIGKILL')
    signal.addEventListener('abort', kill)
    child.stdout.setEncoding('utf8').on('data', step.write)
    child.stderr.setEncoding('utf8').on('data', step.write)
    child.on('error', reject)
    child.on('close', (exitCode) => {
      signal.removeEventListener('abort', kill)
      resolve(exitCode)
    })
  })
}
