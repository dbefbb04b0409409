import type { Credential } from '@mayfly/client/exchange'

export interface RenewedParts {
  readonly first: Credential
  /** Asks for another one. Absent where the platform has no second token: the first is all there will be. */
  readonly again?: () => Promise<Credential>
  readonly giveBack: (credential: Credential) => Promise<void>
  /** Seconds since 1970. */
  readonly now: () => number
}

/** A credential that is always good for a while: another is asked for before it ends, and the old one is given back. */
export interface Renewed {
  /** Throws when there is none that still works. */
  current(): Promise<Credential>
  /** Nothing is asked for any more; answers with the newest one, which is to be given back. Never throws. */
  end(): Promise<Credential>
}

/** Of a life so much is left when the next one is asked for; and never less than this many seconds. */
const share = 1 / 2
const least = 60

/**
 * Renewing is another exchange with a new token of the platform: that the platform gives one shows that the job lives,
 * and the policy of the moment decides again.
 */
export function openRenewed({ first, again, giveBack, now }: RenewedParts): Renewed {
  let held = { credential: first, from: now() }
  let asking: Promise<void> | undefined
  let ended = false
  const giving = new Set<Promise<void>>()
  const until = () => held.credential.expiresAt ?? held.from + held.credential.expiresIn
  const renew = async (ask: () => Promise<Credential>): Promise<void> => {
    const old = held.credential
    held = { credential: await ask(), from: now() }
    // Whoever waits for the new one does not wait for the end of the old one: AWS's tools give up after a second.
    const given = giveBack(old).finally(() => giving.delete(given))
    giving.add(given)
  }
  return {
    async end() {
      ended = true
      await asking?.catch(() => undefined)
      await Promise.allSettled(giving)
      return held.credential
    },
    async current() {
      const left = until() - now()
      if (again !== undefined && !ended && left < Math.max(least, (until() - held.from) * share)) {
        asking ??= renew(again).finally(() => {
          asking = undefined
        })
        // What still works is better than nothing.
        await asking.catch((thrown: unknown) => {
          if (until() <= now()) throw thrown
        })
      }
      if (until() <= now())
        throw new Error('the credential has ended, and the platform gives no second token')
      return held.credential
    },
  }
}
