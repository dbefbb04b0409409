/** `npm run bench -- leases`: how soon a credential is dead once its job ended, and what looking for ends costs. */
import { pinSelf } from '../child.ts'
import { measureLatencies } from './latency.ts'
import { openPlace } from './place.ts'
import { type Sweeping, sweepingOnPostgres, sweepingOnSqlite } from './sweeping.ts'

export interface LeasesBench {
  readonly figures: Record<string, number>
  readonly lines: readonly string[]
}

const jobs = { tokens: 400, databases: 100 } as const

/** Runs everything; takes about two minutes. */
export async function benchLeases(): Promise<LeasesBench> {
  const [sqlite, postgres] = [await sweepingOnSqlite(), await sweepingOnPostgres()]
  pinSelf(1)
  const place = await openPlace()
  const latencies = await measureLatencies(place, jobs.tokens, jobs.databases).finally(() => place.close())
  const figures: Record<string, number> = {}
  const lines = ['webhook to dead credential, ms            p50      p99']
  const row = (name: string, key: string, found: readonly number[]) => {
    const [p50, p99] = [share(found, 0.5), share(found, 0.99)]
    figures[`${key}_p50_ms`] = p50
    figures[`${key}_p99_ms`] = p99
    lines.push(`  ${name.padEnd(34)}${p50.toFixed(2).padStart(8)} ${p99.toFixed(2).padStart(8)}`)
  }
  row('token: introspection says no', 'token_introspection', latencies.introspection)
  row('token: the gate says no', 'token_gate', latencies.gate)
  row('token: the webhook is answered', 'token_webhook', latencies.webhook)
  row('postgres: a session is cut', 'postgres_session', latencies.session)
  row('postgres: a login is refused', 'postgres_login', latencies.login)
  for (const [name, cost] of Object.entries({ sqlite, postgres })) sweeping(name, cost, figures, lines)
  return { figures, lines }
}

function sweeping(name: string, { few, many }: Sweeping, figures: Record<string, number>, lines: string[]) {
  figures[`sweep_${name}_100_ms`] = few.ms
  figures[`sweep_${name}_1m_ms`] = many.ms
  figures[`sweep_${name}_1m_to_100`] = many.ms / few.ms
  figures[`sweep_${name}_1m_to_100_cpu`] = many.cpuMs / few.cpuMs
  lines.push(
    `a sweep that ends 100 leases, ${name}: ${few.ms.toFixed(1)} ms alone, ${many.ms.toFixed(1)} ms among a million` +
      ` (${(many.ms / few.ms).toFixed(2)}; CPU ${(many.cpuMs / few.cpuMs).toFixed(2)})`,
  )
}

function share(found: readonly number[], part: number): number {
  return found.toSorted((one, other) => one - other)[Math.floor((found.length - 1) * part)] ?? Number.NaN
}
