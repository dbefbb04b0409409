import { type Command, UsageFault } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] [LEASE...]',
  about: `Ends these leases, or all of a target. Works beside a running broker; the proxy refuses at the next request.`,
  options: {
    config: configOption,
    target: { type: 'string', value: 'NAME', summary: 'Every lease of this target' },
    json: jsonOption,
  },
  words: { least: 0, most: 1000 },
  examples: [
    'mayfly leases revoke ls_01jd3k9w2tq4v6x8y0z1a2b3c4 --config mayfly.yaml',
    'mayfly leases revoke --target orders-api',
  ],
  exits: { 1: 'failed, or a lease that was named is unknown or had ended before' },
  run: (given, terminal) => {
    const target = given.text('target')
    if ((target === undefined) === (given.words.length === 0)) {
      throw new UsageFault('name leases, or give --target')
    }
    return withOffice(given, terminal, async (office) => {
      const ended: string[] = []
      const untouched: string[] = []
      if (target !== undefined) ended.push(...(await office.endLeases({ target })))
      for (const id of given.words) {
        const done = await office.endLeases({ id })
        if (done.length > 0) ended.push(...done)
        else untouched.push(id)
      }
      if (given.flag('json')) await terminal.write(json({ ended, untouched }))
      else {
        for (const id of ended) await terminal.write(`ended ${printable(id)}\n`)
        for (const id of untouched) terminal.tell(`${printable(id)} is unknown or had ended before`)
        if (ended.length === 0 && untouched.length === 0) await terminal.write('nothing to end\n')
      }
      return untouched.length === 0 ? 0 : 1
    })
  },
}
