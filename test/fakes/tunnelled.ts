/** Both ends of a connector's connection in this process, over a socket of loopback, without a broker around them. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Failure } from '../../packages/broker/src/base/failure.ts'
import { brokenWith, type Reach } from '../../packages/broker/src/base/reach.ts'
import { type Connection, openConnection } from '../../packages/broker/src/route/connectors/connection.ts'
import type { Route } from '../../packages/broker/src/route/route.ts'
import { readPlaces } from '../../packages/cli/src/connect/places.ts'
import { type Served, serve } from '../../packages/cli/src/connect/serving.ts'
import { type FakeTools, fakeTools } from './clock.ts'

export interface Line {
  /** The broker's end. */
  readonly connection: Connection
  readonly reach: Reach
  /** The time of the broker's end. */
  readonly tools: FakeTools
  /** True once the broker's end has noticed that it is over. */
  readonly gone: () => boolean
  readonly close: () => Promise<void>
}

/** A line to whatever `far` does with its end. */
export async function lineTo(far: (socket: Socket) => void): Promise<Line> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[near]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
    [Socket],
    unknown,
  ]
  for (const side of [near, socket]) side.on('error', () => {})
  far(socket)
  const tools = fakeTools()
  let over = false
  const connection = openConnection(near, tools, () => {
    over = true
  })
  const away = new Failure('provider_unavailable', { detail: 'away' })
  return {
    connection,
    tools,
    reach: (place) => connection.open(place) ?? brokenWith(away),
    gone: () => over,
    async close() {
      connection.cut()
      socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A line to a connector that serves these places. */
export async function lineWith(routes: readonly string[]): Promise<Line & { readonly served: Served }> {
  const served: Served[] = []
  const line = await lineTo((socket) => served.push(serve(socket, readPlaces(routes), () => {})))
  const [first] = served
  if (first === undefined) throw new Error('nobody serves')
  return { ...line, served: first }
}

/** The route that `open` opens, with a connector between it and its upstream. */
export function throughConnector(upstream: string, open: (upstream: string, reach: Reach) => Route): Route {
  return {
    async listen(gate) {
      const line = await lineWith([new URL(upstream).host])
      const listening = await open(upstream, line.reach).listen(gate)
      return {
        url: listening.url,
        async close(graceMs) {
          await listening.close(graceMs)
          await line.close()
        },
      }
    },
  }
}
