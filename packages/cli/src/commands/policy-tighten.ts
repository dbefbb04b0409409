import { basename, join } from 'node:path'
import { type Tightened, tighten } from '@mayfly/policy/tighten'
import { type Command, ConfigurationFault, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { replaceFile } from '../lock/replace-file.ts'
import { readPolicies, readPolicySources } from '../policies.ts'
import { logOptions, readRecorded } from '../recorded-decisions.ts'
import { json, printable } from '../table.ts'

const USUAL_LEAST = 10

export const command: Command = {
  usage: '[options] [FOLDER]',
  about: `Proposes the smaller policy that every recorded use would still have passed: without grants and scopes that
nobody used, and with the one value that a pattern ever met. The log says only what happened: a grant for
emergencies is unused on every good day. Read each proposal; --write carries them out in the files.`,
  options: {
    ...logOptions,
    least: {
      type: 'string',
      value: 'N',
      summary: `Uses before a pattern is proposed as one value; default: ${USUAL_LEAST}`,
    },
    write: { type: 'boolean', summary: 'Write the proposals into the files of FOLDER' },
    json: jsonOption,
  },
  words: { least: 0, most: 1 },
  examples: [
    'mayfly policy tighten --log log.jsonl policies/',
    'mayfly policy tighten --log log.jsonl --write',
  ],
  exits: { 0: 'there is nothing to take in, or it was written', 1: 'there are proposals' },
  run: async (given, terminal) => {
    const folder = given.words[0] ?? 'policies'
    const { files, lock } = await readPolicySources(folder)
    const { loaded } = await readPolicies(folder)
    if (!loaded.ok) throw new ConfigurationFault('the policy has faults; `mayfly policy check` shows them')
    const recorded = await readRecorded(given, terminal)
    terminal.progress(`trying proposals on ${recorded.length} decisions`)
    const leastUses = least(given.text('least'))
    const found = await tighten(loaded.policy, files, lock, recorded, { leastUses })
    await terminal.write(given.flag('json') ? json(found) : report(found))
    if (!given.flag('write')) return found.proposals.length === 0 ? 0 : 1
    for (const { path, text } of found.files) await replaceFile(join(folder, basename(path)), text)
    return 0
  },
}

function least(text: string | undefined): number {
  const number = text === undefined ? USUAL_LEAST : Number(text)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new UsageFault('--least is a whole number of at least 1')
  return number
}

function report({ decisions, proposals, dropped }: Tightened): string {
  const head = `${proposals.length} proposals from ${decisions} recorded uses`
  const rows = proposals.map(
    ({ place, message, uses }) => `${place.path}:${place.line}:${place.column}: ${message} (${uses} uses)`,
  )
  const left = dropped.map(
    ({ proposal, because }) => `${proposal.place.path}:${proposal.place.line}: left as it is: ${because}`,
  )
  return `${[head, ...rows, ...left].map(printable).join('\n')}\n`
}
