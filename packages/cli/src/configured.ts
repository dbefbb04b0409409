/** Commands that work with a `mayfly.yaml`: they load the broker when they run, and show its faults as the user's. */
import type { Office } from '@mayfly/broker/office'
import { ConfigurationFault, type ExitCode, type Given, type Option } from './command.ts'
import { policyFolderOf, withHelp } from './mending.ts'
import { printable } from './table.ts'
import type { Terminal } from './terminal.ts'

export const configOption: Option = {
  type: 'string',
  value: 'FILE',
  summary: 'The broker’s configuration; default: mayfly.yaml',
}

export const jsonOption: Option = { type: 'boolean', summary: 'Answer with one JSON document' }

export function configPath(given: Given): string {
  return given.text('config') ?? 'mayfly.yaml'
}

/**
 * Runs `work` and turns faults of the configuration at `path`, or of its policy, into the user's, with how to mend them;
 * exit code 2.
 */
export async function withConfiguration<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown
    const { name, message } = thrown
    if (name !== 'ConfigFault' && name !== 'PolicyFault') throw thrown
    const said = name === 'ConfigFault' ? await withHelp(message, path) : await policyFaults(path, message)
    throw new ConfigurationFault(said, { cause: thrown })
  }
}

/** The policy is read once more, by whoever knows the folder; `otherwise` when it has no faults any more. */
async function policyFaults(path: string, otherwise: string): Promise<string> {
  const { formatPolicies, readPolicies } = await import('./policies.ts')
  const read = await readPolicies(await policyFolderOf(path)).catch(() => undefined)
  return read === undefined || read.loaded.ok ? otherwise : formatPolicies(read).join('\n')
}

/** Opens the store of the configuration, beside a running broker or without one, and closes it again. */
export async function withOffice(
  given: Given,
  terminal: Terminal,
  work: (office: Office) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { openOfficeFromFile } = await import('@mayfly/broker/main')
  const options = {
    path: configPath(given),
    env: terminal.env,
    writeLog: (line: string) => terminal.tell(printable(line.trimEnd())),
  }
  const office = await withConfiguration(options.path, () => openOfficeFromFile(options))
  try {
    return await work(office)
  } finally {
    await office.close()
  }
}
