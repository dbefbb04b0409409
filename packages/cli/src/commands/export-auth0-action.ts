import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotExport, exportAction } from '../auth0/export.ts'
import { type Command, type Given, UsageFault } from '../command.ts'
import { formatPolicies, readPolicies } from '../policies.ts'
import { printable } from '../table.ts'

const githubIssuer = 'https://token.actions.githubusercontent.com'

export const command: Command = {
  usage: '--domain DOMAIN --out FOLDER [options] [POLICIES]',
  about: `Writes the policy as an Action for Auth0's Custom Token Exchange, which verifies GitHub's tokens and decides as the
broker would, and the tenant's set-up as Terraform. For teams whose policy lives in Auth0: no broker runs. There are no
leases there: a token ends with its time.`,
  options: {
    domain: {
      type: 'string',
      value: 'DOMAIN',
      summary: 'The tenant, acme.eu.auth0.com: jobs ask for tokens whose audience is https://DOMAIN/',
    },
    out: { type: 'string', value: 'FOLDER', summary: 'Where auth0-action.js and mayfly.tf are written' },
    target: {
      type: 'string',
      value: 'NAMES',
      summary: 'Only these targets, separated by commas; default: all for APIs',
    },
    issuer: {
      type: 'string',
      value: 'NAME=URL',
      summary: `An issuer of the policy; default: github=${githubIssuer}`,
    },
    connection: {
      type: 'string',
      value: 'NAME',
      summary: 'The connection whose users stand for workloads; default: mayfly-workloads',
    },
  },
  words: { least: 0, most: 1 },
  examples: ['mayfly export auth0-action --domain acme.eu.auth0.com --out auth0/ policies/'],
  exits: { 1: 'the policy has faults, or says what Auth0 cannot keep' },
  run: async (given, terminal) => {
    const [domain, out] = [domainOf(given), given.text('out')]
    if (out === undefined) throw new UsageFault('--out is missing: a folder for the two files')
    const read = await readPolicies(given.words[0] ?? 'policies')
    if (!read.loaded.ok) {
      for (const problem of formatPolicies(read)) terminal.tell(problem)
      return 1
    }
    try {
      const exported = exportAction(read.loaded.policy, settingsOf(given, domain), runtime())
      mkdirSync(out, { recursive: true })
      for (const [name, text] of [
        ['auth0-action.js', exported.action],
        ['mayfly.tf', exported.terraform],
      ] as const) {
        const path = join(out, name)
        const again = existsSync(path) ? ' anew' : ''
        writeFileSync(path, text)
        await terminal.write(`wrote ${printable(path)}${again}\n`)
      }
      for (const note of exported.notes) terminal.tell(printable(note))
      return 0
    } catch (thrown) {
      if (!(thrown instanceof CannotExport)) throw thrown
      for (const line of thrown.message.split('\n'))
        terminal.tell(printable(`mayfly export auth0-action: ${line}`))
      return 1
    }
  },
}

function settingsOf(given: Given, domain: string) {
  const [, name = 'github', url = githubIssuer] =
    /^([^=]+)=(https:\/\/.+)$/.exec(given.text('issuer') ?? '') ?? []
  if (given.text('issuer') !== undefined && given.text('issuer') !== `${name}=${url}`)
    throw new UsageFault('--issuer is NAME=URL, such as github=https://token.actions.githubusercontent.com')
  const targets = given
    .text('target')
    ?.split(',')
    .filter((each) => each !== '')
  return {
    audience: `https://${domain}/`,
    issuers: { [name]: url },
    connection: given.text('connection') ?? 'mayfly-workloads',
    subjectTokenType: 'urn:mayfly:job-token',
    ...(targets === undefined ? {} : { targets }),
  }
}

function domainOf(given: Given): string {
  const domain = (given.text('domain') ?? '').replace(/^https:\/\//, '').replace(/\/$/, '')
  if (!/^[a-z0-9][a-z0-9.-]*\.[a-z]{2,}$/.test(domain))
    throw new UsageFault('--domain is the tenant’s, such as acme.eu.auth0.com')
  return domain
}

function runtime(): string {
  return readFileSync(join(import.meta.dirname, '../../assets/auth0-action.js'), 'utf8')
}
