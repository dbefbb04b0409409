import type { ListedSecret } from '@mayfly/broker/office-secrets'
import type { Command } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, table, time } from '../table.ts'

export const command: Command = {
  usage: '[options]',
  about: `Those that the configuration has as \`sealed\`, and all that the store keeps; never a value. USES counts all
values that the name ever had. Secrets in files and variables are not listed: \`mayfly check\` warns of old ones.`,
  options: { config: configOption, json: jsonOption },
  words: { least: 0, most: 0 },
  examples: ['mayfly secrets list --config mayfly.yaml'],
  run: (given, terminal) =>
    withOffice(given, terminal, async (office) => {
      const secrets = await office.secrets.list()
      await terminal.write(given.flag('json') ? json({ secrets }) : rows(secrets))
      return 0
    }),
}

function rows(secrets: readonly ListedSecret[]): string {
  if (secrets.length === 0) return 'no secrets\n'
  return table(
    ['SECRET', 'REPLACED', 'AGE', 'USES', 'LAST USE', 'WRAPPED BY', 'NOTE'],
    secrets.map(({ name, configured, kept }) => [
      name,
      time(kept?.replacedAt),
      kept === undefined ? '-' : age(kept.ageSeconds),
      kept === undefined ? '-' : String(kept.uses),
      time(kept?.lastUsedAt),
      kept?.wrappedBy ?? '-',
      kept === undefined ? 'has no value yet' : configured ? '' : 'not in the configuration',
    ]),
  )
}

/** In the largest unit of which there is one. */
function age(seconds: number): string {
  const [size, unit] = (
    [
      [86_400, 'd'],
      [3600, 'h'],
      [60, 'm'],
    ] as const
  ).find(([each]) => seconds >= each) ?? [1, 's']
  return `${Math.floor(seconds / size)}${unit}`
}
