/** A broker in a process of its own whose day lasts minutes; says what it holds when asked. */
import { readdirSync } from 'node:fs'
import { openBroker } from '../../packages/broker/src/broker.ts'
import { systemTools } from '../../packages/broker/src/main.ts'
import { loadSite } from './running-broker.ts'

/** What a process holds once its garbage is collected. */
export interface Held {
  /** Bytes of JavaScript objects, and of buffers outside of the heap. */
  readonly heap: number
  readonly buffers: number
  readonly rss: number
  readonly descriptors: number
  /** Sockets and servers, and timers, by Node's own count. */
  readonly sockets: number
  readonly timers: number
}

const [path = '', start = '0', factor = '1'] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
const real = systemTools('error', () => undefined)
const { config, sources } = await loadSite(path)
const running = await openBroker(config, sources, {
  ...real,
  now: () => Number(start) + (Date.now() - Number(start)) * Number(factor),
  after: (ms, run) => real.after(ms / Number(factor), run),
})
process.send?.({ url: running.url, routes: running.routes })
process.on('message', () => void process.send?.(held()))

function held(): Held {
  // Twice: what the first round finalises is freed by the second.
  for (let round = 0; round < 2; round++) globalThis.gc?.()
  const { heapUsed: heap, external: buffers, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const count = (pattern: RegExp) => resources.filter((each) => pattern.test(each)).length
  return {
    ...{ heap, buffers, rss, descriptors: readdirSync('/proc/self/fd').length },
    ...{ sockets: count(/TCP|TLS|Pipe/), timers: count(/Timeout|Immediate/) },
  }
}
