/** The places where one upstream runs: each request goes to one that is well, in turns; what fails is left alone for a while. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Tools } from '../../../base/tools.ts'
import type { Listening } from '../../route.ts'
import type { Upstream } from './carriage.ts'
import { Undialled } from './wire.ts'

/** How members are asked whether they are well. */
export interface Health {
  readonly path: string
  /** Seconds. */
  readonly interval: number
  readonly timeout: number
}

interface Member {
  readonly upstream: Upstream
  /** What the last questions said; a member that was never asked is taken for well. */
  isWell: boolean
  /** Questions in a row that it failed. */
  failed: number
  /** It is left alone until then, ms, because it could not be reached. */
  restsUntil: number
  rests: number
}

export interface Pool {
  /** The first that is configured: by its origin the upstream is known. */
  readonly first: Upstream
  /** Whose turn it is among those that are well; among all where none is, because a request finds out better than we. */
  pick(): Upstream
  /** Another one for a request that did not reach these. */
  other(tried: ReadonlySet<Upstream>): Upstream | undefined
  notReached(upstream: Upstream): void
  /** Whether requests go to each, in the order of the configuration; none where nobody would ever know. */
  states(): readonly boolean[]
  close(): void
}

const unwellAfter = 2
const shortestRest = 1_000
const longestRest = 30_000

/** Opens it and asks at once. `name`: the route's, for the log. */
export function openPool(
  upstreams: readonly [Upstream, ...Upstream[]],
  name: string,
  health: Health | undefined,
  tools: Pick<Tools, 'now' | 'after' | 'log'>,
): Pool {
  const [first] = upstreams
  const members = upstreams.map(
    (upstream): Member => ({ upstream, isWell: true, failed: 0, restsUntil: 0, rests: 0 }),
  )
  const of = (upstream: Upstream) => members.find((member) => member.upstream === upstream)
  const isUp = (member: Member) => member.isWell && member.restsUntil <= tools.now()
  let turn = 0
  const next = (among: readonly Member[]) => among[turn++ % among.length]?.upstream
  const stop = health === undefined ? () => {} : ask(members, name, health, tools)
  return {
    first,
    pick() {
      if (members.length === 1) return first
      const up = members.filter(isUp)
      return next(up.length === 0 ? members : up) ?? first
    },
    other(tried) {
      const left = members.filter(({ upstream }) => !tried.has(upstream))
      const up = left.filter(isUp)
      return next(up.length === 0 ? left : up)
    },
    notReached(upstream) {
      const member = members.length === 1 ? undefined : of(upstream)
      const now = tools.now()
      if (member === undefined || member.restsUntil > now) return
      // It may have taken as long as anything may to find that out once more.
      if (now - member.restsUntil > longestRest + upstream.idleMs) member.rests = 0
      member.restsUntil = now + Math.min(longestRest, shortestRest * 2 ** member.rests++)
      tools.log.warn('an upstream could not be reached and rests', {
        route: name,
        upstream: upstream.origin.host,
      })
    },
    states: () => (members.length === 1 && health === undefined ? [] : members.map(isUp)),
    close() {
      stop()
      for (const { upstream } of members) {
        upstream.agent.destroy()
        upstream.wires?.destroy()
      }
    },
  }
}

/** A route that listens says how its places are; one that cannot listen asks nobody any more. */
export async function withPool(listening: Promise<Listening>, pool: Pool): Promise<Listening> {
  try {
    return { ...(await listening), upstreams: () => pool.states() }
  } catch (thrown) {
    pool.close()
    throw thrown
  }
}

/** Asks all of them now and then; answers with how to stop. */
function ask(
  members: readonly Member[],
  route: string,
  health: Health,
  { after, log }: Pick<Tools, 'after' | 'log'>,
): () => void {
  const stopped = new AbortController()
  const cancels = new Map<Member, () => void>()
  const round = async (member: Member): Promise<void> => {
    const isWell = await answersWell(member.upstream, health, stopped.signal)
    if (stopped.signal.aborted) return
    member.failed = isWell ? 0 : member.failed + 1
    const now = isWell || (member.isWell && member.failed < unwellAfter)
    if (now !== member.isWell) {
      const said = { route, upstream: member.upstream.origin.host }
      if (now) log.info('an upstream is well again', said)
      else log.warn('an upstream is not well', said)
    }
    member.isWell = now
    cancels.set(
      member,
      after(health.interval * 1000, () => void round(member)),
    )
  }
  for (const member of members) void round(member)
  return () => {
    stopped.abort()
    for (const cancel of cancels.values()) cancel()
  }
}

/** 2xx in time. It gets no token, no secret and no caller's field. */
function answersWell({ origin, agent }: Upstream, health: Health, signal: AbortSignal): Promise<boolean> {
  const open = origin.protocol === 'https:' ? httpsRequest : httpRequest
  const limit = AbortSignal.any([signal, AbortSignal.timeout(health.timeout * 1000)])
  return new Promise((resolve) => {
    const headers = { 'user-agent': 'mayfly' }
    const sent = open(origin, { agent, method: 'GET', path: health.path, headers, signal: limit })
    sent.on('error', () => resolve(false))
    // Whoever switches to another protocol ends the connection without a word of it.
    sent.on('close', () => resolve(false))
    sent.on('response', (answer) => {
      answer.on('error', () => resolve(false))
      answer.on('end', () => resolve((answer.statusCode ?? 500) >= 200 && (answer.statusCode ?? 500) < 300))
      answer.resume()
    })
    sent.end()
  })
}

const connecting: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo'])

/** Nothing of the request can have been read: no connection came about. */
export function neverConnected(cause: unknown): boolean {
  return (
    cause instanceof Undialled ||
    (cause instanceof Error && 'syscall' in cause && connecting.has(cause.syscall))
  )
}
