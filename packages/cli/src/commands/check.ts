import type { Command } from '../command.ts'
import { configOption, configPath, jsonOption, withConfiguration } from '../configured.ts'
import { printable } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: 'Reads the configuration, the secrets that it refers to and the policy; opens and changes nothing.',
  options: { config: configOption, json: jsonOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly check --config mayfly.yaml'],
  exits: { 0: 'the server would start', 2: 'it would not: every fault is listed with its place' },
  run: async (given, terminal) => {
    const path = configPath(given)
    const { checkFile } = await import('@mayfly/broker/main')
    const { config, warnings } = await withConfiguration(() => checkFile({ path, env: terminal.env }))
    if (given.flag('json')) {
      await terminal.write(`${JSON.stringify({ ok: true, url: config.url, warnings })}\n`)
      return 0
    }
    for (const warning of warnings) terminal.tell(`warning: ${printable(warning)}`)
    await terminal.write(`${path}: ok\n`)
    return 0
  },
}
