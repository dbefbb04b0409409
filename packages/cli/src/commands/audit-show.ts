import { type Command, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { type Chosen, linesOf, openStory } from '../job-story.ts'
import { logOptions, readLog } from '../recorded-decisions.ts'
import { json, table } from '../table.ts'

export const command: Command = {
  usage: '[options] --job ISSUER/ID | --lease ID',
  about: `Reads the log, which must be whole, and tells in order what the job asked for, what it got and was refused, where
the proxy let it in, what was recorded of its requests, statements and tools, and how each lease ended. A job is named as \`leases list\` shows it, or by its run.`,
  options: {
    ...logOptions,
    job: {
      type: 'string',
      value: 'ISSUER/ID',
      summary: 'The job, github/5551, or all jobs of a run, github/77/1',
    },
    lease: { type: 'string', value: 'ID', summary: 'One lease, or a session with what was asked for by it' },
    json: jsonOption,
  },
  words: { least: 0, most: 0 },
  examples: [
    'mayfly audit show --job github/5551',
    'mayfly audit show --log log.jsonl --lease ls_01j... --json',
  ],
  exits: { 0: 'the log holds something of it', 1: 'it holds nothing' },
  run: async (given, terminal) => {
    const story = openStory(chosenBy(given.text('job'), given.text('lease')))
    await readLog(given, terminal, story.take)
    const { entries } = story
    if (given.flag('json')) await terminal.write(json(entries))
    else if (entries.length === 0) await terminal.write('the log holds nothing of it\n')
    else await terminal.write(table(['TIME', 'LEASE', 'WHAT', 'ENTRY'], linesOf(entries).map(row)))
    return entries.length === 0 ? 1 : 0
  },
}

function chosenBy(job: string | undefined, lease: string | undefined): Chosen {
  if ((job === undefined) === (lease === undefined)) throw new UsageFault('give --job or --lease')
  if (lease !== undefined) return { lease }
  const [, issuer, id] = /^([a-z][a-z0-9-]*)\/(.+)$/.exec(job ?? '') ?? []
  if (issuer === undefined || id === undefined)
    throw new UsageFault('--job is ISSUER/ID, such as github/5551, or ISSUER/RUN/ATTEMPT')
  return { issuer, job: id }
}

function row({ entry, words }: ReturnType<typeof linesOf>[number]): readonly string[] {
  const lease = typeof entry['lease'] === 'string' ? entry['lease'] : '-'
  return [new Date(entry.at).toISOString(), lease, words, entry.id]
}
