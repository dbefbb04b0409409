/** Mayfly as it is served, with its routes: the first of them is where the gate is measured. */
import { openFromFile } from '@mayfly/broker/main'
import { report } from '../child.ts'

const { config } = JSON.parse(process.argv[2] ?? '{}') as { config: string }
// A bench that is killed leaves no server behind.
process.on('disconnect', () => process.exit(0))
const broker = await openFromFile({ path: config, env: {}, logLevel: 'error' })
report(`${broker.url}/?route=${encodeURIComponent(broker.routes[0]?.url ?? '')}`, () => broker.close())
