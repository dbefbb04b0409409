/** Commands that work with a `mayfly.yaml`: they load the broker when they run, and show its faults as the user's. */
import type { Office } from '@mayfly/broker/office'
import { ConfigurationFault, type ExitCode, type Given, type Option } from './command.ts'
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

/** Runs `work` and turns faults of the configuration or of the policy into the user's, exit code 2. */
export async function withConfiguration<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    const ofUser = thrown instanceof Error && (thrown.name === 'ConfigFault' || thrown.name === 'PolicyFault')
    throw ofUser ? new ConfigurationFault(thrown.message, { cause: thrown }) : thrown
  }
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
    writeLog: (line: string) => terminal.tell(line.trimEnd()),
  }
  const office = await withConfiguration(() => openOfficeFromFile(options))
  try {
    return await work(office)
  } finally {
    await office.close()
  }
}
