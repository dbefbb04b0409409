/** Mayfly as it is served: configuration from a file, SQLite with durable commits, every check on. */
import { randomBytes } from 'node:crypto'
import { openFromFile } from '@mayfly/broker/main'
import { report } from '../child.ts'

const { config } = JSON.parse(process.argv[2] ?? '{}') as { config: string }
const key = randomBytes(32).toString('base64')
const broker = await openFromFile({ path: config, env: { MAYFLY_MASTER_KEY: key }, logLevel: 'error' })
report(`${broker.url}/token`, () => broker.close())
