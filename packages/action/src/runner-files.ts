/** The files in which a step leaves something behind: environment, outputs, state, summary. */
import type { Runner } from './runner.ts'

type Files = Pick<Runner, 'env' | 'appendFile' | 'randomName'>

type FileName = 'GITHUB_ENV' | 'GITHUB_OUTPUT' | 'GITHUB_STATE'

/** Not in a runner, or in one that is too old. */
export class NoRunner extends Error {
  override readonly name = 'NoRunner'
}

/** Called before any credential exists: without a state file nothing could be given back. */
export function requireRunnerFiles(runner: Files): void {
  for (const name of ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE'] as const) pathOf(runner, name)
}

export function setEnvironment(runner: Files, name: string, value: string): void {
  leave(runner, 'GITHUB_ENV', name, value)
}

export function setOutput(runner: Files, name: string, value: string): void {
  leave(runner, 'GITHUB_OUTPUT', name, value)
}

/** For the post step of this action, which finds it as `STATE_<name>`. */
export function saveState(runner: Files, name: string, value: string): void {
  leave(runner, 'GITHUB_STATE', name, value)
}

/** Adds to the job's summary; a runner without one loses nothing. */
export function summarize(runner: Files, markdown: string): void {
  const path = runner.env['GITHUB_STEP_SUMMARY']
  if (path) runner.appendFile(path, `${markdown}\n`)
}

/** With a delimiter that no value can foresee, a value of several lines cannot begin another entry. */
function leave(runner: Files, file: FileName, name: string, value: string): void {
  const delimiter = `mayfly_${runner.randomName()}`
  runner.appendFile(pathOf(runner, file), `${name}<<${delimiter}\n${value}\n${delimiter}\n`)
}

function pathOf(runner: Files, name: FileName): string {
  const path = runner.env[name]
  if (!path) throw new NoRunner(`${name} is not set. This action runs in a GitHub Actions job only.`)
  return path
}
