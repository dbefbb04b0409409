import { type Command, UsageFault } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] NAME',
  about: `Reads the value from standard input, never from the command line, which every user of the machine can list. One
line end at its end is not part of it. NAME stands in the configuration: \`connections.secret.NAME: { sealed: true }\`.
Works beside a running broker: the next job gets the new value. Who got the one before still has it, so replace it at its
place first.`,
  options: { config: configOption, json: jsonOption },
  words: { least: 1, most: 1000 },
  examples: [
    'mayfly secrets put npm-publish --config mayfly.yaml < token',
    'pass show npm | mayfly secrets put npm-publish',
  ],
  run: (given, terminal) => {
    const [name = '', ...others] = given.words
    // Not shown again: it may be the secret, and standard error a log.
    if (others.length > 0)
      throw new UsageFault(
        'the secret comes from standard input. If it stood here, replace it: others may have seen it',
      )
    return withOffice(given, terminal, async (office) => {
      terminal.progress('Reads the secret from standard input. What you type is shown; end with Ctrl-D.')
      const { replaced } = await office.secrets.put(name, await terminal.readInput())
      const text = `${printable(name)} is ${replaced ? 'replaced' : 'kept'}\n`
      await terminal.write(given.flag('json') ? json({ name, replaced }) : text)
      return 0
    })
  },
}
