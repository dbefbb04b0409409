import { exchange } from '@mayfly/client/exchange'
import { MayflyRefused } from '@mayfly/client/refusal'
import { MayflyUnreachable } from '@mayfly/client/unreachable'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import { type Command, type ExitCode, type Given, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { conditionLines, json, printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const command: Command = {
  usage: '--url URL --target NAME [options]',
  about: `Prints the credential and nothing else. The identity token is the platform's own (GitHub Actions, GitLab
CI, Buildkite, CircleCI, HCP Terraform, Kubernetes); elsewhere name a file or a variable that holds it. It is never an argument: every user of a machine can list those.`,
  options: {
    ...callerOptions,
    target: { type: 'string', value: 'NAME', summary: 'The target’s name in the policy' },
    resource: { type: 'string', value: 'URI', summary: 'Instead of a name: the target’s audience' },
    scope: {
      type: 'string',
      value: 'SCOPES',
      summary: 'Fewer scopes than the grant gives, separated by spaces',
    },
    json: { ...jsonOption, summary: 'Answer with one JSON document: also the lease, the end and every part' },
  },
  words: { least: 0, most: 0 },
  examples: [
    'mayfly exchange --url https://mayfly.example.com --target orders-api --token-file token.txt',
    'TOKEN=$(mayfly exchange --target orders-api)   # in a job, with MAYFLY_URL set',
  ],
  exits: { 1: 'the broker refused, or could not be reached' },
  run: async (given, terminal) => {
    const url = brokerOf(given, terminal)
    const named = given.text('url') === undefined ? 'the variable MAYFLY_URL' : '--url'
    const [target, resource, scope] = ['target', 'resource', 'scope'].map((name) => given.text(name))
    if ((target === undefined) === (resource === undefined))
      throw new UsageFault('give --target or --resource')
    const tokens = await tokensOf(given, terminal, url)
    terminal.progress(printable(`asking ${url} for ${target ?? resource}`))
    try {
      const credential = await exchange({
        url,
        subjectToken: () => tokens.token(),
        ...(target === undefined ? {} : { target }),
        ...(resource === undefined ? {} : { resource }),
        ...(scope === undefined ? {} : { scope }),
      })
      await terminal.write(given.flag('json') ? json(credential) : `${credential.accessToken}\n`)
      return 0
    } catch (thrown) {
      if (thrown instanceof MayflyUnreachable && thrown.origin === new URL(url).origin)
        throw new Error(`${thrown.message} The URL is from ${named}.`, { cause: thrown })
      if (!(thrown instanceof MayflyRefused)) throw thrown
      return tellRefusal(thrown, given, terminal)
    }
  },
}

async function tellRefusal(refusal: MayflyRefused, given: Given, terminal: Terminal): Promise<ExitCode> {
  const { error, status, description, explanation, errorId, advice } = refusal
  if (given.flag('json')) {
    await terminal.write(json({ error, status, description, explanation, errorId, advice }))
    return 1
  }
  for (const line of [refusal.message, explanation?.summary ?? '', ...advice])
    if (line !== '') terminal.tell(printable(line))
  for (const line of conditionLines(explanation?.grants ?? [])) terminal.tell(line)
  return 1
}
