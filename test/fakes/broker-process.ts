/** A broker in a process of its own, for tests that kill it: says where it listens, and ends with the test. */
import { flushCompileCache } from 'node:module'
import { openFromFile } from '../../packages/broker/src/main.ts'

const [path = ''] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
const running = await openFromFile({ path, env: {}, logLevel: 'debug' })
process.send?.({ url: running.url, routes: running.routes, logKey: running.logKey })
// Kept for the next one of the same test, since a process that is killed writes nothing at its end.
flushCompileCache()
