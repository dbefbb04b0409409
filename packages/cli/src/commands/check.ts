import type { Command } from '../command.ts'
import { configOption, configPath, jsonOption, withConfiguration } from '../configured.ts'
import { json, printable } from '../table.ts'

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
    const { config, warnings, connectionWarnings } = await withConfiguration(path, () =>
      checkFile({ path, env: terminal.env }),
    )
    // Which file and line is meant, only whoever reads the folder can say.
    const { formatPolicies, readPolicies } = await import('../policies.ts')
    const read = warnings.length === 0 ? undefined : await readPolicies(config.policies)
    const placed = read?.loaded.ok ? read.loaded.warnings : warnings
    if (given.flag('json')) {
      const others = connectionWarnings.map((message) => ({ severity: 'warning', path, message }))
      await terminal.write(json({ ok: true, url: config.url, warnings: [...placed, ...others] }))
      return 0
    }
    for (const warning of read?.loaded.ok ? formatPolicies(read) : warnings.map(printable))
      terminal.tell(warning)
    for (const warning of connectionWarnings) terminal.tell(printable(`${path}: warning: ${warning}`))
    await terminal.write(`${printable(path)}: ok\n`)
    return 0
  },
}
