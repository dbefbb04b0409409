import { brokerUrl } from '@mayfly/client/endpoint'
import type { Registry } from '@mayfly/client/form'
import type { Runner } from './runner.ts'

/** How a credential leaves the step. */
export type Export = 'env' | 'file' | 'output'

export interface Inputs {
  readonly url: string
  readonly targets: readonly string[]
  readonly scope: string | undefined
  readonly exports: readonly Export[]
  /** For whom a credential of one string is. */
  readonly as: Tool | undefined
  /** Tools of AWS ask for new keys themselves. */
  readonly refresh: boolean
}

/** A tool that wants a token in a form of its own. */
export type Tool =
  | { readonly is: 'npm'; readonly registry: { readonly host: string } | undefined }
  | { readonly is: 'docker'; readonly registry: Registry }

/** The step's `with:` is wrong; the message says which input, and what it takes. */
export class InputFault extends Error {
  override readonly name = 'InputFault'
}

/** Reads and checks every input; all faults are told at once. */
export function readInputs(runner: Pick<Runner, 'env'>): Inputs {
  const faults: string[] = []
  const attempt = <Value>(read: () => Value, otherwise: Value): Value => {
    try {
      return read()
    } catch (error) {
      faults.push(error instanceof Error ? error.message : 'An input is wrong.')
      return otherwise
    }
  }
  const inputs = {
    url: attempt(() => urlOf(input(runner, 'url')), ''),
    targets: attempt(() => targetsOf(input(runner, 'target')), []),
    scope: words(input(runner, 'scope'), /[\s,]+/).join(' ') || undefined,
    exports: attempt(() => exportsOf(input(runner, 'export')), []),
    as: attempt(() => toolOf(runner), undefined),
    refresh: attempt(() => refreshOf(input(runner, 'refresh')), false),
  }
  if (faults.length > 0) throw new InputFault(faults.join('\n'))
  return inputs
}

/** `prod-deploy` becomes `PROD_DEPLOY`: what an environment variable's name may hold. */
export function variableSuffix(target: string): string {
  return target.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
}

function urlOf(text: string): string {
  if (text === '') throw new InputFault('Input `url` is missing: the URL of your Mayfly broker.')
  return brokerUrl(text)
}

function targetsOf(text: string): readonly string[] {
  const targets = [...new Set(words(text, /[\r\n,]+/))]
  if (targets.length === 0)
    throw new InputFault('Input `target` is missing: the name of a target in your policy.')
  const names = new Map<string, string>()
  for (const target of targets) {
    const other = names.get(variableSuffix(target))
    if (other !== undefined) {
      throw new InputFault(
        `The targets \`${other}\` and \`${target}\` would have the same variable; use two steps.`,
      )
    }
    names.set(variableSuffix(target), target)
  }
  return targets
}

function exportsOf(text: string): readonly Export[] {
  const wanted = words(text, /[\s,]+/)
  const known = wanted.filter((word) => word === 'env' || word === 'file' || word === 'output')
  if (known.length !== wanted.length) throw new InputFault('Input `export` takes env, file and output.')
  return known.length === 0 ? ['env'] : [...new Set(known)]
}

function refreshOf(text: string): boolean {
  if (text !== '' && text !== 'true' && text !== 'false')
    throw new InputFault('Input `refresh` takes true or false.')
  return text === 'true'
}

function toolOf(runner: Pick<Runner, 'env'>): Tool | undefined {
  const [tool, registry, user] = ['as', 'registry', 'username'].map((name) => input(runner, name))
  const host = (registry ?? '').replace(/^https:\/\//, '').replace(/\/+$/, '')
  if (!/^[A-Za-z0-9./:_-]*$/.test(host))
    throw new InputFault('Input `registry` is a host, such as registry.example.com')
  if (tool === '') return undefined
  if (tool === 'npm') return { is: 'npm', registry: host === '' ? undefined : { host } }
  if (tool !== 'docker') throw new InputFault('Input `as` takes npm or docker.')
  if (host === '') throw new InputFault('Input `registry` is missing: the registry that docker signs in to.')
  return { is: 'docker', registry: { host, user: user || 'mayfly' } }
}

/** The runner gives an input as a variable: upper case, spaces as underscores. */
function input(runner: Pick<Runner, 'env'>, name: string): string {
  return (runner.env[`INPUT_${name.toUpperCase()}`] ?? '').trim()
}

function words(text: string, separator: RegExp): readonly string[] {
  return text
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '')
}
