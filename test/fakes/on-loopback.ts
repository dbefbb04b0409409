import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

/** Serves HTTP on a free port of loopback until the test ends; answers with the URL. */
export async function onLoopback(t: TestContext, listener: RequestListener): Promise<string> {
  return (await serverOnLoopback(t, listener)).url
}

/** The same with the server, for what is more than requests. */
export async function serverOnLoopback(
  t: TestContext,
  listener: RequestListener,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}
