import { giveBack, obtain, tellRefusal } from '../caller/held.ts'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import { type Command, UsageFault } from '../command.ts'

export const command: Command = {
  usage: '--target NAME [options] get|store|erase',
  about: `A credential helper of git: for https to one host it answers with a token of a GitHub App. Each call is an
exchange, and needs a token of its own. Nothing is stored; the token ends with the job.`,
  options: {
    ...callerOptions,
    target: { type: 'string', value: 'NAME', summary: 'A target of kind github_app' },
    host: { type: 'string', value: 'HOST', summary: 'The host that it is for; default: github.com' },
  },
  words: { least: 1, most: 1 },
  examples: [
    "git config credential.helper '!mayfly git-credential --url https://mayfly.example.com --target release-bot'",
  ],
  exits: { 1: 'the broker refused, or could not be reached' },
  run: async (given, terminal) => {
    const [operation = ''] = given.words
    if (!['get', 'store', 'erase'].includes(operation))
      throw new UsageFault('git asks to get, store or erase')
    // gitcredentials(7): what a helper does not do it ignores.
    if (operation !== 'get') return 0
    const target = given.text('target')
    if (target === undefined) throw new UsageFault('--target is missing: a target of kind github_app')
    const asked = attributes(await terminal.readInput())
    if (asked.get('protocol') !== 'https' || asked.get('host') !== (given.text('host') ?? 'github.com'))
      return 0
    const url = brokerOf(given, terminal)
    try {
      const credential = await obtain(
        { url, tokens: await tokensOf(given, terminal, url), scope: undefined },
        target,
      )
      if (credential.parts !== undefined) {
        await giveBack(url, credential, terminal)
        throw new UsageFault(`\`${target}\` gives a credential of several parts, not one token`)
      }
      await terminal.write(`username=x-access-token\npassword=${credential.accessToken}\n`)
      return 0
    } catch (thrown) {
      if (!tellRefusal(thrown, terminal)) throw thrown
      return 1
    }
  },
}

function attributes(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=')
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    }),
  )
}
