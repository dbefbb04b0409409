/** `npm run bench -- policy`: loading, proving and deciding, as ratios to each other and to two peers, in one run. */
import { buildPolicy } from '@mayfly/policy/build'
import { loadPolicy } from '@mayfly/policy/load'
import type { Policy } from '@mayfly/policy/policy'
import { provePolicy } from '@mayfly/policy/prove'
import { Faults } from '@mayfly/policy/read/faults'
import { installPeers } from '../peers.ts'
import { cedar, cel, type Engine, mayfly } from './engines.ts'
import { type Ask, asksOf, patternsOf, type Sample, sampleOf } from './sample.ts'

export interface PolicyBench {
  readonly figures: Record<string, number>
  readonly lines: readonly string[]
}

const ROUNDS = 7

export async function benchPolicy(): Promise<PolicyBench> {
  installPeers('@cedar-policy/cedar-wasm')
  const first = seconds(() => loaded(sampleOf(1000)))
  const load = median(Array.from({ length: 5 }, () => seconds(() => loaded(sampleOf(1000)))))
  const loadPatterns = median(Array.from({ length: 3 }, () => seconds(() => loaded(patternsOf(1000, 2)))))
  const [small, large, patterns] = [sampleOf(10), sampleOf(10_000), patternsOf(10_000, 1)]
  const rows: readonly Row[] = [
    row('mayfly, 10 grants', mayfly(built(small)), small, 20_000),
    row('mayfly, 10,000 grants', mayfly(built(large)), large, 20_000),
    row('mayfly, 10,000 patterns', mayfly(built(patterns)), patterns, 20_000),
    row('cedar-wasm, 10 grants', cedar(small.grants), small, 500),
    row('cedar-wasm, 10,000 grants', cedar(large.grants), large, 6),
    row('cel-js, 10 grants', await cel(small.grants), small, 20_000),
    row('cel-js, 10,000 grants', await cel(large.grants), large, 50),
  ]
  const [own10 = 0, own10k = 0, patterns10k = 0, cedar10 = 0, cedar10k = 0, cel10 = 0, cel10k = 0] =
    inTurns(rows)
  const [prove100 = 0, prove1k = 0, prove10k = 0] = [100, 1000, 10_000].map(proofSeconds)
  const figures = {
    load_1000_s: load,
    load_1000_first_s: first,
    load_1000_patterns_s: loadPatterns,
    decision_10_us: own10,
    decision_10000_us: own10k,
    decision_10000_to_10: own10k / own10,
    decision_patterns_us: patterns10k,
    cedar_10_to_own: cedar10 / own10,
    cedar_10000_to_own: cedar10k / own10k,
    cel_10_to_own: cel10 / own10,
    cel_10000_to_own: cel10k / own10k,
    prove_100_ms: prove100 * 1000,
    prove_1000_ms: prove1k * 1000,
    prove_10000_ms: prove10k * 1000,
  }
  const cells = [own10, own10k, patterns10k, cedar10, cedar10k, cel10, cel10k]
  const lines = [
    `1,000 grants read, checked and proved: ${first.toFixed(2)} s the first time, ${load.toFixed(2)} s after (wanted: under 2 s)`,
    `1,000 grants by patterns, each with one of its own: ${loadPatterns.toFixed(2)} s`,
    'one decision, us (median of rounds in turns)         of ours',
    ...rows.map(({ name }, at) => {
      const us = cells[at] ?? 0
      const ours = name.includes('10,000') ? own10k : own10
      return `  ${name.padEnd(28)}${us.toFixed(us < 100 ? 1 : 0).padStart(12)}${(us / ours).toFixed(1).padStart(14)}`
    }),
    `10,000 grants to 10: x ${(own10k / own10).toFixed(2)} (wanted: within 3, and under 20 us)`,
    `proofs of all guardrails: 100 grants ${(prove100 * 1000).toFixed(1)} ms, 1,000 ${(prove1k * 1000).toFixed(1)} ms, 10,000 ${(prove10k * 1000).toFixed(0)} ms`,
  ]
  return { figures, lines }
}

interface Row {
  readonly name: string
  readonly engine: Engine
  readonly asks: readonly Ask[]
}

/** Every engine answers as the sample says, or there is nothing to compare. */
function row(name: string, engine: Engine, { grants }: Sample, count: number): Row {
  const asks = asksOf(grants, count)
  for (const ask of asks) if (engine(ask) !== ask.granted) throw new Error(`${name} decides otherwise`)
  return { name, engine, asks }
}

/** Microseconds for one decision of each row. */
function inTurns(rows: readonly Row[]): readonly number[] {
  const times = rows.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { engine, asks }] of rows.entries()) {
      let granted = 0
      const spent = seconds(() => {
        for (const ask of asks) if (engine(ask)) granted++
      })
      if (granted === 0) throw new Error('nothing was granted')
      times[at]?.push((spent / asks.length) * 1e6)
    }
  }
  return times.map(median)
}

function loaded({ text, lock }: Sample): void {
  const made = loadPolicy([{ path: 'a.policy.yaml', text }], { path: 'policy.lock.yaml', text: lock })
  if (!made.ok) throw new Error(made.problems[0]?.message)
}

function built({ text, lock }: Sample): Policy {
  const faults = new Faults()
  const made = buildPolicy(
    [{ path: 'a.policy.yaml', text }],
    { path: 'policy.lock.yaml', text: lock },
    faults,
  )
  if (made === undefined || faults.failed) throw new Error(faults.all()[0]?.message)
  return made.policy
}

function proofSeconds(grants: number): number {
  return median(
    Array.from({ length: 3 }, () => {
      const policy = built(sampleOf(grants))
      return seconds(() => {
        const open = provePolicy(policy).find(({ outcome }) => outcome !== 'proved')
        if (open !== undefined) throw new Error(`${open.guardrail.name} is not proved`)
      })
    }),
  )
}

function seconds(work: () => void): number {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
