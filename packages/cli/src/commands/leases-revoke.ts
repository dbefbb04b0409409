import type { Office } from '@mayfly/broker/office'
import { type Command, type Given, UsageFault } from '../command.ts'
import { configOption, jsonOption, withOffice } from '../configured.ts'
import { repositoryOf } from '../switched.ts'
import { json, printable } from '../table.ts'

export const command: Command = {
  usage: '[options] [LEASE...]',
  about: `Ends these leases, or all of a target, of a job, of a repository, or all there are. Works beside a running broker; the proxy
refuses at the next request.`,
  options: {
    config: configOption,
    target: { type: 'string', value: 'NAME', summary: 'Every lease of this target' },
    job: {
      type: 'string',
      value: 'ISSUER/ID',
      summary: 'Every lease of this job: github/5551, as `leases list` shows it',
    },
    repo: { type: 'string', value: 'OWNER/REPO', summary: 'Every lease of jobs of this repository' },
    all: { type: 'boolean', summary: 'Every lease there is' },
    json: jsonOption,
  },
  words: { least: 0, most: 1000 },
  examples: [
    'mayfly leases revoke ls_01jd3k9w2tq4v6x8y0z1a2b3c4 --config mayfly.yaml',
    'mayfly leases revoke --target orders-api',
    'mayfly leases revoke --job github/5551',
    'mayfly leases revoke --repo acme/shop',
  ],
  exits: { 1: 'failed, or a lease that was named is unknown or had ended before' },
  run: (given, terminal) => {
    const many = manyOf(given)
    if ((many === undefined) === (given.words.length === 0)) {
      throw new UsageFault('name leases, or give --target, --job, --repo or --all')
    }
    return withOffice(given, terminal, async (office) => {
      const ended: string[] = []
      const untouched: string[] = []
      if (many !== undefined) ended.push(...(await office.endLeases(many)))
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

type Many = Exclude<Parameters<Office['endLeases']>[0], { readonly id: string }>

/** Many leases at once; `undefined` when none of these options is given. More than one narrows. */
function manyOf(given: Given): Many | undefined {
  const [target, job, repo] = ['target', 'job', 'repo'].map((name) => given.text(name))
  const all = given.flag('all')
  const chosen = [target, job, repo].some((each) => each !== undefined)
  if (all && chosen) throw new UsageFault('--all stands alone')
  if (!all && !chosen) return undefined
  const [, issuer, id] = job === undefined ? [] : (/^([a-z][a-z0-9-]*)\/(.+)$/.exec(job) ?? [])
  if (job !== undefined && (issuer === undefined || id === undefined))
    throw new UsageFault('--job is ISSUER/ID, such as github/5551')
  return {
    ...(target === undefined ? {} : { target }),
    ...(repo === undefined ? {} : { repository: repositoryOf(repo) }),
    ...(issuer === undefined || id === undefined ? {} : { job: { issuer, id } }),
  }
}
