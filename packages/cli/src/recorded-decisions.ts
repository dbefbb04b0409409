/** Decisions of an exported log, or of the broker's own store, as the policy asks for them again. */
import { createReadStream } from 'node:fs'
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

type Members = Readonly<Record<string, unknown>>

/** Every decision of the log, oldest first. Throws `UsageFault` when the log is not whole. */
export async function readRecorded(given: Given, terminal: Terminal): Promise<readonly RecordedDecision[]> {
  const file = given.text('log')
  const found: RecordedDecision[] = []
  const take = (line: string): void => {
    const decision = decisionOf(line)
    if (decision !== undefined) found.push(decision)
  }
  if (file === undefined) {
    await withOffice(given, terminal, async (office) => {
      terminal.progress('reading the log')
      await office.exportLog(async (line) => take(line))
      return 0
    })
    return found
  }
  terminal.progress(`reading ${file}`)
  await verified(file)
  const { byteLines } = await import('@mayfly/broker/audit/export/lines')
  for await (const line of byteLines(createReadStream(file))) take(line.toString('utf8'))
  return found
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
  const entry = isMembers(parsed) ? parsed['entry'] : undefined
  if (!isMembers(entry)) return undefined
  const { id, type, issuer, target, asked, claims } = entry
  if (typeof id !== 'string' || typeof issuer !== 'string' || typeof target !== 'string') return undefined
  const outcome = outcomeOf(entry, type)
  if (outcome === undefined || !isMembers(claims)) return undefined
  return { id, issuer, target, claims, dropped: droppedOf(entry, claims), ...wishOf(asked), outcome }
}

function outcomeOf(entry: Members, type: unknown): RecordedDecision['outcome'] | undefined {
  if (type === 'credential.issued') {
    const { grants, scopes, seconds } = entry
    if (!isTexts(grants) || !isTexts(scopes) || typeof seconds !== 'number') return undefined
    return { allowed: true, grants, scopes, seconds }
  }
  const code = type === 'credential.refused' ? entry['decision'] : undefined
  return typeof code === 'string' ? { allowed: false, code } : undefined
}

/** What the entry says that it left out; that it was cut at all says nothing of which. */
function droppedOf(entry: Members, claims: Members): readonly string[] | undefined {
  const { dropped } = entry
  if (isTexts(dropped)) return dropped
  return Object.hasOwn(claims, '[cut]') || Object.hasOwn(entry, 'cut') ? undefined : []
}

function wishOf(asked: unknown): Pick<RecordedDecision, 'scopes' | 'seconds'> {
  if (!isMembers(asked)) return {}
  const { scopes, seconds } = asked
  return { ...(isTexts(scopes) ? { scopes } : {}), ...(typeof seconds === 'number' ? { seconds } : {}) }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
