import type { Credential } from '@mayfly/client/exchange'
import { giveBack, obtain, tellRefusal, type Wanted } from '../caller/held.ts'
import { openRenewed, type Renewed } from '../caller/renewed.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

/** The platform gives no second token, and what the first gave is over. */
export class TokensSpent extends Error {
  override readonly name = 'TokensSpent'
}

/** The connector's own tokens. */
export interface ConnectorTokens {
  /** One that is good for a while. Throws as `exchange` does, and `TokensSpent`. */
  current(): Promise<Credential>
  /** The broker no longer takes this one: the next is asked for at once. */
  forget(credential: Credential): void
  /** Gives back what still lives. Never throws. */
  close(signal: AbortSignal): Promise<void>
}

/**
 * Takes the first and renews from then on. What was renewed is left to end by itself: connections that were made with it
 * carry what runs on them until then. Throws as `exchange` does.
 */
export async function openTokens(
  wanted: Wanted,
  target: string,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ConnectorTokens> {
  const taken = new Set<Credential>()
  const { fresh } = wanted.tokens
  const take = async (): Promise<Credential> => {
    const credential = await obtain(wanted, target, stop)
    for (const each of taken) if (isOver(each)) taken.delete(each)
    taken.add(credential)
    return credential
  }
  const renewing = async (): Promise<Renewed> =>
    openRenewed({
      first: await take(),
      ...(fresh ? { again: () => told(take, terminal, stop) } : {}),
      giveBack: async () => {},
      now: () => Date.now() / 1000,
    })
  let renewed: Promise<Renewed> | undefined = Promise.resolve(await renewing())
  let spent = false
  return {
    async current() {
      if (spent || (!fresh && [...taken].every(isOver)))
        throw new TokensSpent('the credential is over, and the platform gives no second token')
      renewed ??= renewing()
      const asked = renewed
      try {
        return await (await asked).current()
      } catch (thrown) {
        if (renewed === asked) renewed = undefined
        throw thrown
      }
    },
    forget(credential) {
      if (!taken.delete(credential)) return
      renewed = undefined
      spent = !fresh
    },
    async close(signal) {
      const living = [...taken].filter((each) => !isOver(each))
      await Promise.all(living.map((each) => giveBack(wanted.url, each, terminal, signal)))
    },
  }
}

/** Why an old one is kept for now is for the person to know. */
async function told<T>(take: () => Promise<T>, terminal: Terminal, stop: AbortSignal): Promise<T> {
  try {
    return await take()
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'unknown'
    if (!stop.aborted && !tellRefusal(thrown, terminal)) terminal.tell(printable(why))
    throw thrown
  }
}

function isOver({ expiresAt }: Credential): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now() / 1000
}
