import type { Command } from '../command.ts'
import { withOffice } from '../configured.ts'
import { reasonOf, switchOf, switchOptions } from '../switched.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '--target NAME | --issuer NAME | --repo OWNER/REPO [options]',
  about: `Works beside running brokers, on all of them at once, and stays until \`mayfly switch on\`. What could not be
taken back yet where it was made is tried on and on; \`mayfly leases list\` shows it as stuck.`,
  options: switchOptions,
  words: { least: 0, most: 0 },
  examples: [
    'mayfly switch off --target deploy-prod --because "incident 42"',
    'mayfly switch off --repo acme/shop',
  ],
  run: (given, terminal) => {
    const what = switchOf(given)
    return withOffice(given, terminal, async (office) => {
      const ended = await office.switchOff(what, reasonOf(given))
      const unknown = what.of === 'target' && !office.knowsTarget(what.name)
      if (unknown) terminal.tell(`No target \`${printable(what.name)}\` is in the policy. Is it spelled so?`)
      if (given.flag('json')) await terminal.write(json({ ...what, off: true, ended }))
      else {
        await terminal.write(`${what.of} ${printable(what.name)} is off\n`)
        for (const id of ended) await terminal.write(`ended ${printable(id)}\n`)
      }
      return 0
    })
  },
}
