/** Everything that `mayfly exec` holds while its command runs: leases, files, an agent, an endpoint. */
import type { Credential } from '@mayfly/client/exchange'
import { type Form, formOf } from '@mayfly/client/form'
import { UsageFault } from '../command.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { awsKeys, openAwsEndpoint } from './aws-endpoint.ts'
import { giveBack, obtain, tellRefusal, type Wanted } from './held.ts'
import { withoutOutranking } from './outranking.ts'
import { makePrivateFolder, type PrivateFolder } from './private-folder.ts'
import { openRenewed, type Renewed } from './renewed.ts'
import { openSshAgent } from './ssh-agent.ts'

export interface Target {
  readonly name: string
  /** Where its one string goes. */
  readonly variable: string | undefined
}

/** Takes credentials one by one; `close` gives all of them back. */
export class Opened {
  readonly #variables: Record<string, string> = {}
  readonly #outranked: Record<string, string | undefined> = {}
  readonly #wanted: Wanted
  readonly #terminal: Terminal
  readonly #held: Renewed[] = []
  readonly #closings: (() => void)[] = []
  #folder: PrivateFolder | undefined

  constructor(wanted: Wanted, terminal: Terminal) {
    this.#wanted = wanted
    this.#terminal = terminal
  }

  /** Variables for the command, those that it must not see as `undefined`. */
  environment(): Readonly<Record<string, string | undefined>> {
    return { ...this.#outranked, ...this.#variables }
  }

  /** Throws as `exchange` does, and `UsageFault`; what was taken by then is held all the same. */
  async take({ name, variable }: Target, signal: AbortSignal): Promise<void> {
    const credential = await obtain(this.#wanted, name, signal)
    const held = this.#renewed(name, credential)
    this.#held.push(held)
    Object.assign(this.#outranked, withoutOutranking(credential.kind))
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
    else if (form !== undefined) await this.#give(form, credential)
  }

  async close(signal: AbortSignal): Promise<void> {
    for (const close of this.#closings.splice(0)) close()
    this.#folder?.remove()
    const held = this.#held.splice(0)
    await Promise.all(
      held.map(async (each) => giveBack(this.#wanted.url, await each.end(), this.#terminal, signal)),
    )
  }

  #renewed(target: string, first: Credential): Renewed {
    const { tokens, url } = this.#wanted
    return openRenewed({
      first,
      ...(tokens.fresh ? { again: () => this.#again(target) } : {}),
      giveBack: (old) => giveBack(url, old, this.#terminal),
      now: () => Date.now() / 1000,
    })
  }

  /** Who waits for new keys hears only that there are none: why is for the person. */
  async #again(target: string): Promise<Credential> {
    try {
      return await obtain(this.#wanted, target)
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : 'unknown'
      if (!tellRefusal(thrown, this.#terminal)) this.#terminal.tell(printable(why))
      throw thrown
    }
  }

  /** Keys in variables would end; what is asked for at the endpoint is always good. */
  async #aws(held: Renewed, form: Form | undefined): Promise<void> {
    const endpoint = await openAwsEndpoint(async () => awsKeys((await held.current()).parts ?? {}))
    this.#closings.push(() => endpoint.close())
    const { AWS_REGION, AWS_DEFAULT_REGION } = form?.variables ?? {}
    for (const [name, value] of Object.entries({ ...endpoint.variables, AWS_REGION, AWS_DEFAULT_REGION }))
      if (value !== undefined) this.#set(name, value)
  }

  async #give({ variables, files, paths }: Form, { kind, expiresIn }: Credential): Promise<void> {
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
    if (kind === 'ssh') await this.#agent(folder, written.get('id') ?? '', expiresIn)
  }

  async #agent(folder: PrivateFolder, key: string, seconds: number): Promise<void> {
    const agent = await openSshAgent(folder.path, key, seconds)
    if (agent === undefined) {
      this.#terminal.tell('ssh-agent cannot be run here; use `ssh -i "$MAYFLY_SSH_KEY"`')
      return
    }
    this.#closings.push(() => agent.close())
    for (const [name, value] of Object.entries(agent.variables)) this.#set(name, value)
  }

  /** Which of two targets a variable is of would depend on their order. */
  #set(name: string, value: string): void {
    const twice = Object.hasOwn(this.#variables, name) && this.#variables[name] !== value
    if (twice)
      throw new UsageFault(
        `two of the targets would set ${name}; run one inside of the other, with --keep-platform-token for the outer one`,
      )
    this.#variables[name] = value
  }
}
