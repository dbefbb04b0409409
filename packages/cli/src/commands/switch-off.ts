import { type Command, type Given, UsageFault } from '../command.ts'
import { withOffice } from '../configured.ts'
import { jobOf, reasonOf, switchOf, switchOptions } from '../switched.ts'
import { json, printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const command: Command = {
  usage: '--target NAME | --issuer NAME | --repo OWNER/REPO | --actor NAME | --job ISSUER/ID [options]',
  about: `Works beside running brokers, on all of them at once, and stays until \`mayfly switch on\`. What could not be
taken back yet where it was made is tried on and on; \`mayfly leases list\` shows it as stuck. A job is ended for good: its next
request is refused at every route, and it gets nothing any more.`,
  options: {
    ...switchOptions,
    job: {
      type: 'string',
      value: 'ISSUER/ID',
      summary: 'One job, github/5551, or a run, github/77/1; for good',
    },
  },
  words: { least: 0, most: 0 },
  examples: [
    'mayfly switch off --target deploy-prod --because "incident 42"',
    'mayfly switch off --repo acme/shop',
    'mayfly switch off --actor coding-agent',
    'mayfly switch off --job github/5551',
  ],
  run: (given, terminal) => {
    const job = given.text('job')
    if (job !== undefined) return endJob(given, terminal, job)
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

function endJob(given: Given, terminal: Terminal, text: string): Promise<number> {
  if (['target', 'issuer', 'repo', 'actor'].some((name) => given.text(name) !== undefined))
    throw new UsageFault('give one of --target, --issuer, --repo, --actor and --job')
  const job = jobOf(text)
  return withOffice(given, terminal, async (office) => {
    const ended = await office.endJob(job)
    const said = `job ${printable(text)} is ended; ${ended} ${ended === 1 ? 'lease' : 'leases'} with it\n`
    await terminal.write(given.flag('json') ? json({ of: 'job', name: text, off: true, ended }) : said)
    return 0
  })
}
