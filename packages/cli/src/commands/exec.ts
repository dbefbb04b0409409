import { platformVariables } from '@mayfly/client/platform'
import { runChild } from '../caller/child.ts'
import { tellRefusal, type Wanted } from '../caller/held.ts'
import { holdSignals } from '../caller/held-signals.ts'
import { Opened, type Target } from '../caller/opened.ts'
import { brokerOf, callerOptions, tokensOf } from '../caller/surroundings.ts'
import { type Command, type Given, UsageFault } from '../command.ts'
import { printable } from '../table.ts'

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
    if (!tokens.fresh && targets.length > 1)
      throw new UsageFault(
        `${tokens.platform} gives this job one token, and a token can be exchanged once: name one target`,
      )
    const wanted: Wanted = { url, tokens, scope: given.text('scope') }
    const open = new Opened(wanted, terminal)
    const taking = holdSignals()
    try {
      for (const target of targets) {
        await open.take(target, taking.impatient)
        const code = taking.code()
        if (code !== undefined) return code
      }
      const kept = given.flag('keep-platform-token')
      const hidden = kept ? [] : [...platformVariables, ...tokens.variables]
      const env = {
        ...terminal.env,
        ...Object.fromEntries(hidden.map((name) => [name, undefined])),
        ...open.environment(),
      }
      const over = runChild(given.words, env, (why) => terminal.tell(`mayfly exec: ${printable(why)}`))
      taking.letGo()
      return await over
    } catch (thrown) {
      if (!tellRefusal(thrown, terminal)) throw thrown
      return 1
    } finally {
      taking.letGo()
      // A cancelled job sends more than one signal: giving back is not for the next one to end.
      const giving = holdSignals()
      await open.close(giving.impatient)
      giving.letGo()
    }
  },
}

function targetsOf(given: Given): readonly Target[] {
  const texts = (given.text('target') ?? '').split(',').filter((text) => text !== '')
  if (texts.length === 0) throw new UsageFault('--target is missing: the name of a target in the policy')
  return texts.map((text) => {
    const [, variable, name] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(text) ?? []
    return name === undefined ? { name: text, variable: undefined } : { name, variable }
  })
}
