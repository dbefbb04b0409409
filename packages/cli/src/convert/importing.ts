/** importing: what every `mayfly import` command has in common. */
import { Cannot } from '@mayfly/policy/convert/cannot'
import { compose } from '@mayfly/policy/convert/compose'
import type { ImportedRule, Setting } from '@mayfly/policy/convert/rule'
import { ConfigurationFault, type ExitCode, type Given, type Option, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { readText } from '../input.ts'
import { json, printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const importOptions: Readonly<Record<string, Option>> = {
  owner: {
    type: 'string',
    value: 'NAMES',
    summary: 'Your owners at GitHub, separated by commas, with ids where you know them: acme=9919',
  },
  tier: { type: 'string', value: 'TIER', summary: 'Of the targets; default: production' },
  access: {
    type: 'string',
    value: 'ACCESS',
    summary: 'read, write or admin, where the document does not say it; default: admin',
  },
  branch: { type: 'string', value: 'NAME', summary: 'Instead of "any branch"; default: main' },
  beside: {
    type: 'boolean',
    summary: 'Leave `issuers:` out: the policy stands in a folder beside one that says it',
  },
  json: jsonOption,
}

export const importExits = { 1: 'nothing of it can be in a policy' } as const

/** Reads the rules, writes the policy to standard output and what was found to standard error. */
export async function importRules(
  given: Given,
  terminal: Terminal,
  read: (setting: Setting) => Promise<readonly ImportedRule[]>,
): Promise<ExitCode> {
  const setting = settingOf(given)
  try {
    const { text: whole, names, findings } = compose(await read(setting), setting)
    const text = given.flag('beside') ? whole.replace(/^issuers:\n(?: .*\n)+/m, '') : whole
    if (given.flag('json')) {
      await terminal.write(json({ policy: text, names, findings }))
      return 0
    }
    await terminal.write(text)
    for (const { rule, effect, at, message } of findings)
      terminal.tell(printable(`${rule}: ${effect}: ${message} (${at})`))
    const lock = names.map(
      ({ section, name, id }) => `${section} ${name}${id === undefined ? '' : ` (${id})`}`,
    )
    if (lock.length > 0) terminal.tell(printable(`\`mayfly policy lock\` must find: ${lock.join(', ')}`))
    return 0
  } catch (thrown) {
    if (!(thrown instanceof Cannot)) throw thrown
    for (const line of thrown.message.split('\n')) terminal.tell(printable(line))
    return 1
  }
}

function settingOf(given: Given): Setting {
  const access = given.text('access') ?? 'admin'
  if (access !== 'read' && access !== 'write' && access !== 'admin')
    throw new UsageFault('--access is read, write or admin')
  const owners = listOf(given, 'owner').map((each) => {
    const [, name, id] = /^([A-Za-z0-9-]+)(?:=([1-9][0-9]*))?$/.exec(each) ?? []
    if (name === undefined) throw new UsageFault('--owner is NAME or NAME=ID, such as acme=9919')
    return { name, ...(id === undefined ? {} : { id }) }
  })
  return { owners, access, tier: given.text('tier') ?? 'production', branch: given.text('branch') ?? 'main' }
}

/** Values that are separated by commas. */
export function listOf(given: Given, option: string): readonly string[] {
  return (given.text(option) ?? '').split(',').filter((each) => each !== '')
}

/** A file, or standard input for `-`, as JSON; what is not JSON is the user's fault. */
export async function readJson(path: string, terminal: Terminal): Promise<unknown> {
  const text = await readText(path, terminal)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ConfigurationFault(`${path} is not JSON`, { cause })
  }
}

/** A member of an object that came from a file. */
export function memberOf(value: unknown, key: string): unknown {
  const own = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
  return own ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}
