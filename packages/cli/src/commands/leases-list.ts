import type { ListedLease } from '@mayfly/broker/office'
import { type Command, UsageFault } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, table, time } from '../table.ts'

const states = ['pending', 'active', 'revoked', 'expired', 'stuck'] as const

export const command: Command = {
  usage: '[options]',
  about: 'Works beside a running broker. Without --state: what is alive or could not be ended yet.',
  options: {
    config: configOption,
    target: { type: 'string', value: 'NAME', summary: 'Only leases of this target' },
    state: {
      type: 'string',
      value: 'STATES',
      summary: `Only these, separated by commas: ${states.join(', ')}`,
    },
    limit: { type: 'string', value: 'COUNT', summary: 'At most so many, oldest first; default: 100' },
    json: jsonOption,
  },
  words: { least: 0, most: 0 },
  examples: ['mayfly leases list --config mayfly.yaml --target orders-api'],
  run: (given, terminal) => {
    const wanted = (given.text('state') ?? 'pending,active,stuck').split(',')
    const chosen = states.filter((state) => wanted.includes(state))
    if (chosen.length !== wanted.length) throw new UsageFault(`--state takes ${states.join(', ')}`)
    const limit = Number(given.text('limit') ?? 100)
    if (!Number.isInteger(limit) || limit < 1) throw new UsageFault('--limit takes a whole number from 1')
    const target = given.text('target')
    return withOffice(given, terminal, async (office) => {
      const filter = { states: chosen, limit: limit + 1, ...(target === undefined ? {} : { target }) }
      const found = await office.leases(filter)
      const leases = found.slice(0, limit)
      await terminal.write(given.flag('json') ? json({ leases }) : rows(leases))
      if (found.length > limit) terminal.tell(`There are more than ${limit}; --limit shows more.`)
      return 0
    })
  },
}

function rows(leases: readonly ListedLease[]): string {
  if (leases.length === 0) return 'no leases\n'
  return table(
    ['LEASE', 'STATE', 'TARGET', 'JOB', 'SUBJECT', 'UNTIL', 'ENDED'],
    leases.map(({ id, state, target, job, subject, expiresAt, endedAt, endedBy }) => [
      id,
      state,
      target,
      job?.id === undefined ? '-' : `${job.issuer}/${job.id}`,
      subject,
      time(expiresAt),
      endedAt === undefined ? '-' : `${time(endedAt)} by ${endedBy ?? 'nobody'}`,
    ]),
  )
}
