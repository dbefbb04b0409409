/** `npm run bench -- exchange`: whole exchanges over HTTP, as ratios to the machine and to a peer, in one run. */
import { installPeers } from '../peers.ts'
import { brokerFolder } from './broker-folder.ts'
import { startIssuer } from './issuer-server.ts'
import { type Figures, measure, median } from './measure.ts'
import { physicalLimit } from './openssl.ts'
import { prefill } from './prefill.ts'
import { exchangeForm, openTokenMaker, type TokenMaker } from './subject-tokens.ts'

const url = 'http://127.0.0.1:1'
const rounds = 3
const requests = 6000
const warmUp = 1500

export interface ExchangeBench {
  readonly figures: Record<string, number>
  readonly lines: readonly string[]
}

/** Runs everything; takes about two minutes. */
export async function benchExchange(): Promise<ExchangeBench> {
  installPeers('oidc-provider')
  const limit = physicalLimit()
  const issuer = await startIssuer()
  const maker = openTokenMaker(issuer.url, url)
  issuer.setKey(maker.jwk)
  try {
    const { floor, own, peer } = await sideBySide(maker, issuer.url)
    const growth = await growthOf(maker, issuer.url)
    return summary({ limit: limit.exchangesPerSecond, floor, own, peer, growth })
  } finally {
    issuer.close()
  }
}

async function sideBySide(maker: TokenMaker, issuer: string) {
  const peerArgument = { jwk: maker.jwk, issuer, audience: url }
  const results: { floor: Figures[]; own: Figures[]; peer: Figures[] } = { floor: [], own: [], peer: [] }
  for (let round = 0; round < rounds; round++) {
    const bodies = forms(maker, requests, { client_id: 'bench' })
    const warm = forms(maker, warmUp, { client_id: 'bench' })
    results.floor.push(await measure('./exchange/server-floor.ts', peerArgument, warm, bodies))
    results.peer.push(await measure('./exchange/server-peer.ts', peerArgument, warm, bodies))
    results.own.push(await measureOwn({ issuer, grants: 10 }, warm, bodies))
  }
  return { floor: median(results.floor), own: median(results.own), peer: median(results.peer) }
}

async function measureOwn(
  options: { issuer: string; grants: number; leases?: number; entries?: number },
  warm: readonly Buffer[],
  bodies: readonly Buffer[],
): Promise<Figures> {
  const folder = brokerFolder({ issuer: options.issuer, url, grants: options.grants })
  try {
    if (options.entries !== undefined) await prefill(folder.database, options.leases ?? 0, options.entries)
    return await measure('./exchange/server-mayfly.ts', { config: folder.config }, warm, bodies)
  } finally {
    folder.remove()
  }
}

/** CPU for each exchange relative to the smallest size. */
async function growthOf(maker: TokenMaker, issuer: string): Promise<Record<string, number>> {
  const sizes = {
    grants_10: { grants: 10 },
    grants_1000: { grants: 1000 },
    grants_10000: { grants: 10_000 },
    leases_1k_entries_10k: { grants: 10, leases: 1000, entries: 10_000 },
    leases_1m_entries_1m: { grants: 10, leases: 1_000_000, entries: 1_000_000 },
  }
  const cost: Record<string, number> = {}
  for (const [name, size] of Object.entries(sizes)) {
    const figures = await measureOwn({ issuer, ...size }, forms(maker, warmUp), forms(maker, requests))
    cost[name] = 1e6 / figures.perCpuSecond
  }
  const ratio = (of: string, to: string) => (cost[of] ?? 0) / (cost[to] ?? 1)
  return {
    growth_grants_1000: ratio('grants_1000', 'grants_10'),
    growth_grants_10000: ratio('grants_10000', 'grants_10'),
    growth_store_1m: ratio('leases_1m_entries_1m', 'leases_1k_entries_10k'),
  }
}

function forms(maker: TokenMaker, count: number, extra: Record<string, string> = {}): Buffer[] {
  return maker.make(count).map((token) => exchangeForm(token, 'orders-api', extra))
}

interface Results {
  readonly limit: number
  readonly floor: Figures
  readonly own: Figures
  readonly peer: Figures
  readonly growth: Record<string, number>
}

function summary({ limit, floor, own, peer, growth }: Results): ExchangeBench {
  const figures = {
    limit_share: own.perCpuSecond / limit,
    floor_share: own.perCpuSecond / floor.perCpuSecond,
    peer_ratio: own.perCpuSecond / peer.perCpuSecond,
    peer_ratio_wall: own.perSecond / peer.perSecond,
    floor_to_peer: floor.perCpuSecond / peer.perCpuSecond,
    per_second: own.perSecond,
    p50_ms: own.p50,
    p99_ms: own.p99,
    rss_mb: own.rssBytes / 1e6,
    cpu_us: 1e6 / own.perCpuSecond,
    ...growth,
  }
  const row = (name: string, each: Figures) =>
    `${name.padEnd(34)}${each.perSecond.toFixed(0).padStart(8)}${(1e6 / each.perCpuSecond).toFixed(0).padStart(9)}` +
    `${each.p50.toFixed(1).padStart(8)}${each.p99.toFixed(1).padStart(8)}${(each.rssBytes / 1e6).toFixed(0).padStart(8)}` +
    `${(each.perCpuSecond / limit).toFixed(2).padStart(10)}${(each.perCpuSecond / floor.perCpuSecond).toFixed(2).padStart(10)}` +
    `${(each.perCpuSecond / peer.perCpuSecond).toFixed(2).padStart(9)}`
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
