/**
 * `npm run bench -- proxy`: what carrying a request costs, as ratios to what others carry it for, in one run. All carry
 * the same requests, with the same tokens, to the same upstream; each has one core and one worker.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../../test/fakes/requests.ts'
import { pinSelf } from '../child.ts'
import { apache, type Contender, haproxy, mayfly, nginx, node, startUpstream } from './contenders.ts'
import { openPlace } from './place.ts'
import { benchPostgresRoute, type WayCost } from './postgres.ts'
import { type Loaded, openWrk, type Wrk } from './wrk.ts'

const size = { tokens: 200, rounds: 5, seconds: 3 } as const

export interface ProxyBench {
  readonly figures: Record<string, number>
  readonly lines: readonly string[]
}

interface Round extends Loaded {
  /** CPU microseconds for each request, all threads and processes. */
  readonly cpu: number
}

/** Runs everything; takes about three minutes. */
export async function benchProxy(): Promise<ProxyBench> {
  pinSelf(1)
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-bench-'))
  chmodSync(folder, 0o711)
  const stops: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })]
  try {
    const upstream = await startUpstream(folder)
    stops.push(upstream.stop)
    const place = await openPlace(folder, upstream.port, size.tokens)
    stops.push(place.close)
    const all = [
      await nginx(folder, upstream.port),
      await haproxy(folder, place, upstream.port),
      await apache(folder, place, upstream.port),
      await node('dispatch', upstream.port),
      await node('agent', upstream.port),
      mayfly(place),
    ]
    stops.push(...all.map(({ stop }) => stop))
    for (const each of all) await rehearse(each, place.tokens[0] ?? '')
    const rounds = await alternate(all, openWrk(folder, place.tokens))
    return summary(rounds, await benchPostgresRoute(folder))
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** Nobody is measured who lets the wrong ones in, or answers with something else than the upstream's. */
async function rehearse({ name, url, checks }: Contender, token: string): Promise<void> {
  const [head, body, signature = ''] = token.split('.')
  const forged = [head, body, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.')
  const status = async (bearer: string) => {
    const { status } = await ask(`${url}/orders/1?expand=items`, {
      headers: { authorization: `Bearer ${bearer}` },
    })
    return status
  }
  const [good, bad] = [await status(token), await status(forged)]
  if (good !== 200 || bad !== (checks ? 401 : 200))
    throw new Error(`${name} answers ${good} to a good token and ${bad} to a forged one`)
}

/** In turns, so that whatever else the machine does meets each of them alike. The same index is the same moment. */
async function alternate(
  all: readonly Contender[],
  wrk: Wrk,
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const rounds = new Map<string, Round[]>(all.map(({ name }) => [name, []]))
  for (const { url } of all) await wrk.run(url, size.seconds)
  for (let at = 0; at < size.rounds; at++)
    for (const each of at % 2 === 0 ? all : all.toReversed()) {
      const before = await each.cpu()
      const loaded = await wrk.run(each.url, size.seconds)
      const cpu = (((await each.cpu()) - before) * 1e6) / loaded.requests
      rounds.get(each.name)?.push({ ...loaded, cpu })
    }
  return rounds
}

function summary(
  rounds: ReadonlyMap<string, readonly Round[]>,
  ways: ReadonlyMap<string, WayCost>,
): ProxyBench {
  const of = (name: string) => rounds.get(name) ?? []
  const mine = of('mayfly')
  const plain = [...rounds.keys()].filter((name) => name.startsWith('node'))
  const figures = {
    nginx_share: share(of('nginx'), mine),
    node_share: Math.min(...plain.map((name) => share(of(name), mine))),
    haproxy_ratio: share(of('haproxy, jwt_verify'), mine),
    apache_ratio: share(of('apache, mod_auth_openidc'), mine),
    cpu_us: median(mine.map(({ cpu }) => cpu)),
    per_second: median(mine.map(({ perSecond }) => perSecond)),
    p99_ms: median(mine.map(({ p99 }) => p99)),
    ...postgresFigures(ways),
  }
  const lines = ['one core, 32 connections             req/s   us CPU   p50 ms   p99 ms  of nginx']
  for (const [name, each] of rounds) {
    const cells = [
      median(each.map(({ perSecond }) => perSecond))
        .toFixed(0)
        .padStart(8),
      median(each.map(({ cpu }) => cpu))
        .toFixed(1)
        .padStart(9),
      median(each.map(({ p50 }) => p50))
        .toFixed(1)
        .padStart(9),
      median(each.map(({ p99 }) => p99))
        .toFixed(1)
        .padStart(9),
      share(of('nginx'), each).toFixed(2).padStart(10),
    ]
    lines.push(name.padEnd(34) + cells.join(''))
  }
  lines.push('pgbench -S, 8 clients                transactions/s   us CPU between')
  for (const [name, { perSecond, cpu }] of ways)
    lines.push(`${name.padEnd(37)}${perSecond.toFixed(0).padStart(14)} ${cpu.toFixed(1).padStart(16)}`)
  return { figures, lines }
}

function postgresFigures(ways: ReadonlyMap<string, WayCost>): Record<string, number> {
  const none = { perSecond: Number.NaN, cpu: Number.NaN }
  const { mayfly = none, direct = none, 'pgbouncer, session mode': bouncer = none } = Object.fromEntries(ways)
  return {
    pgbouncer_share: mayfly.perSecond / bouncer.perSecond,
    pgbouncer_cpu_share: bouncer.cpu / mayfly.cpu,
    direct_share: mayfly.perSecond / direct.perSecond,
  }
}

/** Requests for each CPU second of `mine`, in those of `other`: the median over rounds. */
function share(other: readonly Round[], mine: readonly Round[]): number {
  return median(mine.map(({ cpu }, at) => (other[at]?.cpu ?? Number.NaN) / cpu))
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}
