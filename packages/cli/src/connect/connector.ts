import type { Credential } from '@mayfly/client/exchange'
import { jittered } from '@mayfly/client/retry'
import { DialRefused, dial } from './dial.ts'
import type { Places } from './places.ts'
import { type Served, serve } from './serving.ts'
import { type ConnectorTokens, TokensSpent } from './tokens.ts'

export interface ConnectorParts {
  /** Where one broker is dialled. */
  readonly url: string
  readonly name: string
  readonly places: Places
  /** Our own token, always one that is good for a while. */
  readonly tokens: Pick<ConnectorTokens, 'current' | 'forget'>
  /** For the person: what became of the connection. */
  readonly tell: (line: string) => void
  readonly stop: AbortSignal
  readonly now: () => number
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
  readonly random: () => number
}

/** Waits between tries grow to the last of these; all are jittered, so that many do not come back together. */
const waitsMs = [500, 1000, 2000, 5000, 10_000, 30_000]
/** Shorter connections count as failed ones. */
const steadyMs = 10_000

/**
 * Stays connected to one broker until it is stopped: dials again when the connection breaks, and with a new token before
 * the old one ends; what runs on the old connection may end there. Throws what it met before it was ever connected, when
 * that was the broker's no.
 */
export async function stayConnected(parts: ConnectorParts): Promise<void> {
  const { url, tell, stop, now } = parts
  let failed = 0
  let before: Line | undefined
  let ever = false
  while (!stop.aborted) {
    try {
      const line = await connected(parts, before)
      ever = true
      if (line !== before) {
        tell(`connected to ${url} as ${parts.name}`)
        before?.served.finish()
      }
      before = line
      if (!(await lasts(parts, line))) continue
      before = undefined
      if (stop.aborted) break
      failed = now() - line.since < steadyMs ? failed + 1 : 0
      tell(`the connection to ${url} is over`)
    } catch (thrown) {
      if (stop.aborted) break
      if (thrown instanceof TokensSpent || (!ever && isNo(thrown))) throw thrown
      failed++
      tell(`${url}: ${thrown instanceof Error ? thrown.message : 'unknown'}`)
    }
    const wait = waitsMs[Math.min(failed, waitsMs.length) - 1] ?? waitsMs[0] ?? 0
    await parts.wait(jittered(wait, parts.random), stop).catch(() => {})
  }
}

/** One connection, and the token that it was made with. */
interface Line {
  readonly served: Served
  readonly credential: Credential
  readonly since: number
}

function isNo(thrown: unknown): boolean {
  if (thrown instanceof DialRefused) return thrown.status >= 400 && thrown.status < 500
  return thrown instanceof Error && ['MayflyRefused', 'UsageFault'].includes(thrown.name)
}

/** A connection with the newest token; the one that there is, where the token is the same. */
async function connected(parts: ConnectorParts, before: Line | undefined): Promise<Line> {
  const { url, name, places, tokens, stop, tell, now } = parts
  const credential = await tokens.current()
  if (before !== undefined && before.credential === credential) return before
  const socket = await dial(url, name, credential.accessToken, stop).catch((thrown: unknown) => {
    if (thrown instanceof DialRefused && thrown.status === 401) tokens.forget(credential)
    throw thrown
  })
  const served = serve(socket, places, (authority) =>
    tell(`the broker asked for \`${authority}\`, which is not served here`),
  )
  const cut = () => served.cut()
  stop.addEventListener('abort', cut, { once: true })
  void served.over.then(() => stop.removeEventListener('abort', cut))
  if (stop.aborted) cut()
  return { served, credential, since: now() }
}

/** True when the connection is over, false when its token should be renewed. */
async function lasts({ now, wait, random }: ConnectorParts, { served, credential }: Line): Promise<boolean> {
  const over = new AbortController()
  const ended = served.over.then(() => true)
  const left = (credential.expiresAt ?? now() / 1000 + credential.expiresIn) * 1000 - now()
  const later = wait(Math.max(1000, jittered(left * 0.6, random)), over.signal).then(
    () => false,
    () => true,
  )
  return await Promise.race([ended, later]).finally(() => over.abort())
}
