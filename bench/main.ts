/** `npm run bench -- NAME [--json]`: measures ourselves, the physical limit and the peers in one run. */
import { parseArgs } from 'node:util'

interface Bench {
  readonly figures: Record<string, number>
  readonly lines: readonly string[]
}

const benches: Record<string, () => Promise<Bench>> = {
  action: async () => (await import('./action/main.ts')).benchAction(),
  exchange: async () => (await import('./exchange/main.ts')).benchExchange(),
  leases: async () => (await import('./leases/main.ts')).benchLeases(),
  policy: async () => (await import('./policy/main.ts')).benchPolicy(),
  proxy: async () => (await import('./proxy/main.ts')).benchProxy(),
  soak: async () => (await import('./soak/main.ts')).benchSoak(),
}

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean' } }, allowPositionals: true })
const bench = benches[positionals[0] ?? '']
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--json]`)
  process.exit(2)
}
const { figures, lines } = await bench()
for (const line of lines) console.log(line)
if (values.json === true) {
  const rounded = Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(4))])
  console.log(JSON.stringify(Object.fromEntries(rounded)))
}
