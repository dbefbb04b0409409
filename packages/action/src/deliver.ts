/** Hands credentials over to the steps that follow, in the form that was asked for. */
import type { Credential } from '@mayfly/client/exchange'
import { dockerForm, type Form, formOf, npmForm } from '@mayfly/client/form'
import { awsConfiguration } from './aws-credentials.ts'
import { type Inputs, variableSuffix } from './inputs.ts'
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

/**
 * Every credential gets names that end in its target. Names without a target are given where only one target has them:
 * otherwise, which one they mean would depend on the order in which the targets are written.
 */
export function deliver(
  runner: Runner,
  granted: readonly Granted[],
  { url, exports, as, refresh }: Pick<Inputs, 'url' | 'exports' | 'as' | 'refresh'>,
): void {
  const forms = granted.map((each) => ({
    ...each,
    form:
      toolForm(each.credential, as) ??
      (refresh ? refreshedForm(runner, url, each) : undefined) ??
      formOf(each.credential),
  }))
  const isWritten = ({ form }: (typeof forms)[number]) => form !== undefined && form.files.length > 0
  const needsFiles = exports.includes('file') || (exports.includes('env') && forms.some(isWritten))
  const folder = needsFiles ? createFolder(runner) : ''
  const variables: Named[] = []
  const outputs: Named[] = []
  for (const { target, credential, expiresAt, form } of forms) {
    const add = (to: Named[], name: string, value: string) => to.push({ target, name, value })
    const token = { variable: 'MAYFLY_TOKEN', output: 'token' }
    // Of several parts the access token is that of the lease, which no tool wants.
    const isOne = credential.parts === undefined
    if (exports.includes('env') && isOne) add(variables, token.variable, credential.accessToken)
    if (exports.includes('output')) {
      if (isOne) add(outputs, token.output, credential.accessToken)
      for (const [part, value] of Object.entries(credential.parts ?? {})) add(outputs, slug(part), value)
    }
    if (exports.includes('file')) {
      const path = `${folder}/${slug(variableSuffix(target))}`
      runner.createFile(path, isOne ? credential.accessToken : `${JSON.stringify(credential.parts)}\n`)
      add(variables, 'MAYFLY_FILE', path)
      add(outputs, 'file', path)
    }
    if (form !== undefined && exports.includes('env')) {
      const made = writeForm(runner, `${folder}/${slug(variableSuffix(target))}.d`, form)
      for (const [name, value] of Object.entries(made)) add(variables, name, value)
    }
    add(outputs, 'expires-at', expiresAt)
    add(outputs, 'lease-id', credential.leaseId)
  }
  leave(variables, granted.length, (name, value) => setEnvironment(runner, name, value), '_', variableSuffix)
  leave(
    outputs,
    granted.length,
    (name, value) => setOutput(runner, name, value),
    '-',
    (target) => slug(variableSuffix(target)),
  )
}

interface Named {
  readonly target: string
  readonly name: string
  readonly value: string
}

/** Names of ours come with the target too; names that a tool looks for only where two targets have them. */
function leave(
  all: readonly Named[],
  targets: number,
  set: (name: string, value: string) => void,
  between: string,
  ending: (target: string) => string,
): void {
  for (const { target, name, value } of all) {
    const ours = between === '-' || name.startsWith('MAYFLY_')
    const shared = ours ? targets > 1 : all.some((each) => each.name === name && each.target !== target)
    if (!shared) set(name, value)
    if (shared || ours) set(`${name}${between}${ending(target)}`, value)
  }
}

/** Instead of keys that end: where AWS's tools are told what to call for new ones. */
function refreshedForm(runner: Runner, url: string, { target, credential }: Granted): Form | undefined {
  if (credential.kind !== 'aws_role') return undefined
  const region = credential.parts?.['region']
  const script = runner.scriptPath('aws.js')
  const text = awsConfiguration({ node: runner.node, script, url, target, region })
  const variables = region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }
  return { variables, files: [{ name: 'aws-config', text, variable: 'AWS_CONFIG_FILE' }], paths: {} }
}

function toolForm(credential: Credential, as: Inputs['as']): Form | undefined {
  if (as === undefined || credential.parts !== undefined) return undefined
  const { accessToken } = credential
  return as.is === 'npm' ? npmForm(accessToken, as.registry) : dockerForm(accessToken, as.registry)
}

/** Writes the files of a form, and answers with all its variables. */
function writeForm(runner: Runner, folder: string, form: Form): Readonly<Record<string, string>> {
  if (form.files.length > 0) runner.createFolder(folder)
  const paths = new Map([['folder', folder]])
  const made: Record<string, string> = { ...form.variables }
  for (const { name, text, variable } of form.files) {
    const path = `${folder}/${name}`
    runner.createFile(path, text)
    paths.set(name, path)
    if (variable !== undefined) made[variable] = path
  }
  for (const [variable, template] of Object.entries(form.paths))
    made[variable] = template.replaceAll(/\{([^{}]+)\}/g, (all, name: string) => paths.get(name) ?? all)
  return made
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
