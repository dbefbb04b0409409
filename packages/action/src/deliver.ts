/** Hands credentials over to the steps that follow, in the form that was asked for. */
import type { Credential } from '@mayfly/client/exchange'
import { type Export, variableSuffix } from './inputs.ts'
import type { Runner } from './runner.ts'
import { NoRunner, setEnvironment, setOutput } from './runner-files.ts'
import { saveFolder } from './state.ts'

/** A credential, and the target that it is for. */
export interface Granted {
  readonly target: string
  readonly credential: Credential
  /** ISO 8601, UTC. */
  readonly expiresAt: string
}

type Leave = (name: { variable: string; output: string }, value: string) => void

/**
 * Every credential gets names that end in its target. Names without a target are given for a single target only:
 * with several, which one they mean would depend on the order in which the targets are written.
 */
export function deliver(runner: Runner, granted: readonly Granted[], exports: readonly Export[]): void {
  const folder = exports.includes('file') ? createFolder(runner) : undefined
  for (const { target, credential, expiresAt } of granted) {
    const suffix = variableSuffix(target)
    const endings = granted.length === 1 ? ['', suffix] : [suffix]
    const environment: Leave = (name, value) => {
      for (const ending of endings)
        setEnvironment(runner, [name.variable, ending].filter(Boolean).join('_'), value)
    }
    const output: Leave = (name, value) => {
      for (const ending of endings)
        setOutput(runner, [name.output, slug(ending)].filter(Boolean).join('-'), value)
    }
    const token = { variable: 'MAYFLY_TOKEN', output: 'token' }
    const file = { variable: 'MAYFLY_FILE', output: 'file' }

    if (exports.includes('env')) environment(token, credential.accessToken)
    if (exports.includes('output')) output(token, credential.accessToken)
    if (folder !== undefined) {
      const path = `${folder}/${slug(suffix)}`
      runner.createFile(path, credential.accessToken)
      environment(file, path)
      output(file, path)
    }
    output({ variable: '', output: 'expires-at' }, expiresAt)
    output({ variable: '', output: 'lease-id' }, credential.leaseId)
  }
}

/** In the runner's own folder for this job; the post step removes it. */
function createFolder(runner: Runner): string {
  const parent = runner.env['RUNNER_TEMP']
  if (!parent) throw new NoRunner('RUNNER_TEMP is not set. This action runs in a GitHub Actions job only.')
  const folder = `${parent}/mayfly-${runner.randomName()}`
  saveFolder(runner, folder)
  runner.createFolder(folder)
  return folder
}

/** `PROD_DEPLOY` becomes `prod-deploy`: what a file's and an output's name may hold. */
function slug(suffix: string): string {
  return suffix.toLowerCase().replaceAll('_', '-')
}
