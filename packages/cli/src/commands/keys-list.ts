import type { Command } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, table, time } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: 'A key is published before it signs, and stays published until its last token could have expired.',
  options: { config: configOption, json: jsonOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly keys list --config mayfly.yaml'],
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      const keys = office.keys()
      const rows = keys.map(({ kid, algorithm, signsFrom, signsUntil, publishedUntil }) => [
        kid,
        algorithm,
        time(signsFrom),
        time(signsUntil),
        time(publishedUntil),
      ])
      const head = ['KEY', 'ALGORITHM', 'SIGNS FROM', 'SIGNS UNTIL', 'PUBLISHED UNTIL']
      await terminal.write(given.flag('json') ? json({ keys }) : table(head, rows))
      return 0
    }),
}
