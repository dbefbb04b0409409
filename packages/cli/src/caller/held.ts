/** Credentials that a command holds for others: asked for, and given back. */
import { type Credential, exchange } from '@mayfly/client/exchange'
import type { PlatformTokens } from '@mayfly/client/platform'
import { MayflyRefused } from '@mayfly/client/refusal'
import { revoke } from '@mayfly/client/revoke'
import { conditionLines, printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export interface Wanted {
  readonly url: string
  readonly tokens: PlatformTokens
  readonly scope: string | undefined
}

/** One credential of a target. Throws as `exchange` does. */
export function obtain(
  { url, tokens, scope }: Wanted,
  target: string,
  signal?: AbortSignal,
): Promise<Credential> {
  return exchange({
    url,
    target,
    subjectToken: () => tokens.token(),
    ...(scope === undefined ? {} : { scope }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Gives one back. What cannot be given back is told; the broker ends it with its job, or when its time is over. */
export async function giveBack(
  url: string,
  { leaseToken, leaseId }: Credential,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await revoke({ url, token: leaseToken, ...(signal === undefined ? {} : { signal }) })
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'unknown'
    terminal.tell(printable(`lease ${leaseId} could not be ended, the broker ends it by itself: ${why}`))
  }
}

/** A refusal as a person reads it. Answers false for what is none. */
export function tellRefusal(thrown: unknown, terminal: Terminal): thrown is MayflyRefused {
  if (!(thrown instanceof MayflyRefused)) return false
  const { message, explanation, advice } = thrown
  for (const line of [message, explanation?.summary ?? '', ...advice])
    if (line !== '') terminal.tell(printable(line))
  for (const line of conditionLines(explanation?.grants ?? [])) terminal.tell(line)
  return true
}
