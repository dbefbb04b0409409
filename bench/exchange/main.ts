/** `npm run bench -- exchange`: whole exchanges over HTTP, as ratios to the machine and to a peer, in one run. */
import { pinSelf } from '../child.ts'
import { installPeers } from '../peers.ts'
import { brokerFolder } from './broker-folder.ts'
import { growthOf } from './growth.ts'
import { startIssuer } from './issuer-server.ts'
import { alternate, costRatio, type Figures, typical } from './measure.ts'
import { physicalLimit } from './openssl.ts'
import { exchangeForm, openTokenMaker } from './subject-tokens.ts'

const url = 'http://127.0.0.1:1'
/** V8 compiles parts of such a server anew until it has answered about twenty thousand requests. */
const size = { rounds: 7, warmUp: 24_000, requests: 2500 } as const

export interface ExchangeBench {
  readonly figures: Record<string, number>
  readonly lines: readonly string[]
}

/** Runs everything; takes about two minutes. */
export async function benchExchange(): Promise<ExchangeBench> {
  installPeers('oidc-provider')
  pinSelf(1)
  const limit = physicalLimit()
  const issuer = await startIssuer()
  const maker = openTokenMaker(issuer.url, url)
  issuer.setKey(maker.jwk)
  const bodies = (count: number) =>
    maker.make(count).map((token) => exchangeForm(token, 'orders-api', { client_id: 'bench' }))
  try {
    const sides = await sideBySide({ jwk: maker.jwk, issuer: issuer.url, audience: url }, bodies)
    const growth = await growthOf({ issuer: issuer.url, url, bodies })
    return summary(limit.exchangesPerSecond, sides, growth)
  } finally {
    issuer.close()
  }
}

interface Sides {
  readonly floor: readonly Figures[]
  readonly own: readonly Figures[]
  readonly peer: readonly Figures[]
}

async function sideBySide(
  argument: { readonly jwk: object; readonly issuer: string; readonly audience: string },
  bodies: (count: number) => readonly Buffer[],
): Promise<Sides> {
  const folder = brokerFolder({ issuer: argument.issuer, url, grants: 10 })
  try {
    const servers = [
      { script: './exchange/server-floor.ts', argument },
      { script: './exchange/server-mayfly.ts', argument: { config: folder.config } },
      { script: './exchange/server-peer.ts', argument },
    ]
    const [floor = [], own = [], peer = []] = await alternate(servers, { ...size, bodies })
    return { floor, own, peer }
  } finally {
    folder.remove()
  }
}

function summary(limit: number, sides: Sides, growth: Record<string, number>): ExchangeBench {
  const { floor, own, peer } = sides
  const mine = typical(own)
  const figures = {
    limit_share: 1e6 / mine.cpu / limit,
    floor_share: costRatio(floor, own),
    peer_ratio: costRatio(peer, own),
    floor_to_peer: costRatio(peer, floor),
    per_second: mine.perSecond,
    p50_ms: mine.p50,
    p99_ms: mine.p99,
    rss_mb: mine.rssBytes / 1e6,
    cpu_us: mine.cpu,
    ...growth,
  }
  const row = (name: string, rounds: readonly Figures[]) => {
    const each = typical(rounds)
    const cells: [string, number][] = [
      [each.perSecond.toFixed(0), 8],
      [each.cpu.toFixed(0), 9],
      [each.p50.toFixed(1), 8],
      [each.p99.toFixed(1), 8],
      [(each.rssBytes / 1e6).toFixed(0), 8],
      [(1e6 / each.cpu / limit).toFixed(2), 10],
      [costRatio(floor, rounds).toFixed(2), 10],
      [costRatio(peer, rounds).toFixed(2), 9],
    ]
    return name.padEnd(34) + cells.map(([cell, width]) => cell.padStart(width)).join('')
  }
  const lines = [
    `physical limit on one core (openssl): ${limit.toFixed(0)} exchanges/s`,
    'server (one core, 32 connections)    ex/s   us CPU  p50 ms  p99 ms  RSS MB  of limit  of floor  of peer',
    row('floor: raw verify + sign, no store', floor),
    row('mayfly, durable', own),
    row('oidc-provider, nothing durable', peer),
    'growth of CPU for each exchange:',
    ...Object.entries(growth).map(([name, value]) => `  ${name.padEnd(24)} x ${value.toFixed(2)}`),
  ]
  return { figures, lines }
}
