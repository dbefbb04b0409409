import type { Credential } from '@mayfly/client/exchange'
import { type Form, formOf } from '@mayfly/client/form'
import { awsKeys, openAwsEndpoint } from '../caller/aws-endpoint.ts'
import { runChild } from '../caller/child.ts'
import { giveBack, obtain, tellRefusal, type Wanted } from '../caller/held.ts'
import { makePrivateFolder, type PrivateFolder } from '../caller/private-folder.ts'
import { openRenewed, type Renewed } from '../caller/renewed.ts'
import { openSshAgent } from '../caller/ssh-agent.ts'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import { type Command, type Given, UsageFault } from '../command.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const command: Command = {
  usage: '--target NAME [options] -- COMMAND...',
  about: `Runs a command with credentials in the variables that its tools look for, and ends them when it is over, however it
ends. Signals reach the command, its exit code comes back, nothing is left on disk. AWS's tools ask for new keys while it
runs; what reads its variables once has them for as long as the policy gives them. A target that is named as
VARIABLE=NAME has its one string in that variable.`,
  options: {
    ...callerOptions,
    target: { type: 'string', value: 'NAME', summary: 'A target in the policy; several by comma' },
    scope: {
      type: 'string',
      value: 'SCOPES',
      summary: 'Fewer scopes than the grant gives, separated by spaces',
    },
    'keep-platform-token': {
      type: 'boolean',
      summary: 'Leave the command what this job gets its own tokens with',
    },
  },
  words: { least: 1, most: 10_000 },
  examples: [
    'mayfly exec --target staging-db -- psql -f migrate.sql',
    'mayfly exec --target deploy,cluster -- ./deploy.sh',
    'mayfly exec --target NPM_TOKEN=publish -- npm publish',
  ],
  exits: { 1: 'the broker refused, or could not be reached; otherwise the exit code is that of the command' },
  run: async (given, terminal) => {
    const url = brokerOf(given, terminal)
    const targets = targetsOf(given)
    const tokens = await tokensOf(given, terminal, url)
    const wanted: Wanted = { url, tokens, scope: given.text('scope') }
    const open = new Opened(wanted, terminal)
    // From here on a signal must not end us before what we hold was given back.
    const stop = open.holdSignals()
    try {
      for (const target of targets) await open.take(target)
      const hidden = given.flag('keep-platform-token') ? [] : tokens.variables
      const env = {
        ...terminal.env,
        ...Object.fromEntries(hidden.map((name) => [name, undefined])),
        ...open.variables,
      }
      stop()
      return await runChild(given.words, env, (why) => terminal.tell(`mayfly exec: ${printable(why)}`))
    } catch (thrown) {
      if (!tellRefusal(thrown, terminal)) throw thrown
      return 1
    } finally {
      await open.close()
      stop()
    }
  },
}

interface Target {
  readonly name: string
  /** Where its one string goes. */
  readonly variable: string | undefined
}

function targetsOf(given: Given): readonly Target[] {
  const texts = (given.text('target') ?? '').split(',').filter((text) => text !== '')
  if (texts.length === 0) throw new UsageFault('--target is missing: the name of a target in the policy')
  return texts.map((text) => {
    const [, variable, name] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(text) ?? []
    return name === undefined ? { name: text, variable: undefined } : { name, variable }
  })
}

/** Everything that is held while the command runs. */
class Opened {
  readonly variables: Record<string, string> = {}
  readonly #wanted: Wanted
  readonly #terminal: Terminal
  readonly #held: (() => Credential)[] = []
  readonly #closings: (() => void)[] = []
  #folder: PrivateFolder | undefined

  constructor(wanted: Wanted, terminal: Terminal) {
    this.#wanted = wanted
    this.#terminal = terminal
  }

  /** Until the command runs, SIGINT and SIGTERM only stop what is under way: what was taken is given back first. */
  holdSignals(): () => void {
    const ended = () => {
      void this.close().then(() => process.exit(130))
    }
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, ended)
    return () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, ended)
    }
  }

  async take({ name, variable }: Target): Promise<void> {
    const credential = await obtain(this.#wanted, name)
    const held = this.#renewed(name, credential)
    this.#held.push(held.held)
    if (variable !== undefined || credential.parts === undefined) {
      if (credential.parts !== undefined)
        throw new UsageFault(`\`${name}\` gives a credential of several parts; leave \`${variable}=\` out`)
      this.#set(
        variable ?? `MAYFLY_TOKEN_${name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`,
        credential.accessToken,
      )
    }
    const form = formOf(credential)
    if (credential.kind === 'aws_role') await this.#aws(held, form)
    else if (form !== undefined) await this.#give(form, credential.kind)
  }

  async close(): Promise<void> {
    for (const close of this.#closings.splice(0)) close()
    const held = this.#held.splice(0)
    await Promise.all(held.map((current) => giveBack(this.#wanted.url, current(), this.#terminal)))
    this.#folder?.remove()
  }

  #renewed(target: string, first: Credential): Renewed {
    const { tokens, url } = this.#wanted
    return openRenewed({
      first,
      ...(tokens.fresh ? { again: () => obtain(this.#wanted, target) } : {}),
      giveBack: (old) => giveBack(url, old, this.#terminal),
      now: () => Date.now() / 1000,
    })
  }

  /** Keys in variables would end; what is asked for at the endpoint is always good. */
  async #aws(held: Renewed, form: Form | undefined): Promise<void> {
    const endpoint = await openAwsEndpoint(async () => awsKeys((await held.current()).parts ?? {}))
    this.#closings.push(() => endpoint.close())
    const { AWS_REGION, AWS_DEFAULT_REGION } = form?.variables ?? {}
    for (const [name, value] of Object.entries({ ...endpoint.variables, AWS_REGION, AWS_DEFAULT_REGION }))
      if (value !== undefined) this.#set(name, value)
  }

  async #give({ variables, files, paths }: Form, kind: string | undefined): Promise<void> {
    for (const [name, value] of Object.entries(variables)) this.#set(name, value)
    if (files.length === 0) return
    this.#folder ??= makePrivateFolder()
    const folder = this.#folder
    const written = new Map([['folder', folder.path]])
    for (const { name, text, variable } of files) {
      const path = folder.write(name, text)
      written.set(name, path)
      if (variable !== undefined) this.#set(variable, path)
    }
    for (const [name, template] of Object.entries(paths))
      this.#set(
        name,
        template.replaceAll(/\{([^{}]+)\}/g, (all, of: string) => written.get(of) ?? all),
      )
    if (kind === 'ssh') await this.#agent(folder, written.get('id') ?? '')
  }

  async #agent(folder: PrivateFolder, key: string): Promise<void> {
    const agent = await openSshAgent(folder.path, key)
    if (agent === undefined) {
      this.#terminal.tell('ssh-agent cannot be run here; use `ssh -i "$MAYFLY_SSH_KEY"`')
      return
    }
    this.#closings.push(() => agent.close())
    for (const [name, value] of Object.entries(agent.variables)) this.#set(name, value)
  }

  /** Which of two targets a variable is of would depend on their order. */
  #set(name: string, value: string): void {
    const twice = Object.hasOwn(this.variables, name) && this.variables[name] !== value
    if (twice) throw new UsageFault(`two of the targets would set ${name}; run one inside of the other`)
    this.variables[name] = value
  }
}
