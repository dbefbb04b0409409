/** Decisions of an exported log, or of the broker's own store, as the policy asks for them again. */
import { createReadStream } from 'node:fs'
import { recordedDecision } from '@mayfly/broker/decide/recorded-decision'
import type { RecordedDecision } from '@mayfly/policy/recorded'
import { type Given, type Option, UsageFault } from './command.ts'
import { configOption, withOffice } from './configured.ts'
import { printable } from './table.ts'
import type { Terminal } from './terminal.ts'
import { isSystemError, unreadable } from './unreadable.ts'

export const logOptions: Readonly<Record<string, Option>> = {
  log: { type: 'string', value: 'FILE', summary: 'A log that `mayfly audit export` wrote; it must be whole' },
  config: {
    ...configOption,
    summary: 'Or the broker’s configuration, to read its store; default: mayfly.yaml',
  },
}

/** Every decision of the log, oldest first. Throws `UsageFault` when the log is not whole. */
export async function readRecorded(given: Given, terminal: Terminal): Promise<readonly RecordedDecision[]> {
  const found: RecordedDecision[] = []
  await readLog(given, terminal, (line) => {
    const decision = decisionOf(line)
    if (decision !== undefined) found.push(decision)
  })
  return found
}

/** Every line of the log, oldest first: of `--log`, or of the store. Throws `UsageFault` when the log is not whole. */
export async function readLog(given: Given, terminal: Terminal, take: (line: string) => void): Promise<void> {
  const file = given.text('log')
  if (file === undefined) {
    await withOffice(given, terminal, async (office) => {
      terminal.progress('reading the log')
      await office.exportLog(async (line) => take(line))
      return 0
    })
    return
  }
  terminal.progress(`reading ${file}`)
  await verified(file)
  const { byteLines } = await import('@mayfly/broker/audit/export/lines')
  for await (const line of byteLines(createReadStream(file))) take(line.toString('utf8'))
}

/** What a changed file says about the past is worth nothing. */
async function verified(file: string): Promise<void> {
  const { verifyExport } = await import('@mayfly/broker/audit/verify')
  const whole = await verifyExport(createReadStream(file)).catch((cause: unknown) => {
    throw isSystemError(cause) ? unreadable('file', file, cause) : cause
  })
  if (!whole.ok) {
    const said = `the log \`${file}\` is not whole: line ${whole.at.line}: ${printable(whole.reason)}`
    throw new UsageFault(`${said}; export it again, or ask \`mayfly audit verify\``)
  }
}

/** The decision that a line holds; `undefined` for every other entry, and for refusals that no policy made. */
export function decisionOf(line: string): RecordedDecision | undefined {
  const parsed: unknown = JSON.parse(line)
  if (typeof parsed !== 'object' || parsed === null || !('entry' in parsed)) return undefined
  return recordedDecision(parsed.entry)
}
