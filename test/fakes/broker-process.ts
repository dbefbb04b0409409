/** A broker in a process of its own, for tests that kill it: says where it listens, and ends with the test. */
import { openFromFile } from '../../packages/broker/src/main.ts'

const [path = ''] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
const running = await openFromFile({ path, env: {}, logLevel: 'debug' })
process.send?.({ url: running.url, routes: running.routes, logKey: running.logKey })
