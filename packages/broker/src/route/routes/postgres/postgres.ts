/**
 * postgres: the route for PostgreSQL's own protocol (version 3). The password is the job's token; the session at the
 * server is that of the lease's own role, whose password only this route opens. It carries sessions and decides nothing.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { listenOn } from '../../../base/listening.ts'
import type { Reach } from '../../../base/reach.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Listening, Route } from '../../route.ts'
import { Cancels } from './cancels.ts'
import { policyCheck, remembering } from './policy-check.ts'
import type { CheckFor, PostgresRouteSettings, RunningRoute } from './running.ts'
import { serve } from './serve.ts'
import { openStatementReader } from './statement/reader.ts'

/** Opens nothing yet; `listen` does. `check`: what statements are held against, when not the policy. */
export function openPostgresRoute(
  settings: PostgresRouteSettings,
  tools: Tools,
  check?: CheckFor,
  reachOf?: (server: string) => Reach | undefined,
): Route {
  return {
    async listen(gate) {
      return await listen({
        ...{ settings, tools, gate, reachOf },
        check: check ?? (await policyChecks(settings)),
      })
    },
  }
}

async function policyChecks({ target }: PostgresRouteSettings): Promise<CheckFor> {
  const read = remembering(await openStatementReader())
  return (gate, admitted, callables) => policyCheck(gate, admitted, target, read, callables)
}

async function listen(
  parts: Pick<RunningRoute, 'settings' | 'tools' | 'check' | 'gate' | 'reachOf'>,
): Promise<Listening> {
  const { settings, tools } = parts
  const { tls } = settings
  const running: RunningRoute = {
    ...parts,
    secure:
      tls === undefined
        ? undefined
        : createSecureContext({
            cert: tls.certificate.reveal(),
            key: tls.key.reveal(),
            minVersion: 'TLSv1.2',
          }),
    cancels: new Cancels(tools),
    sessions: new Set(),
    hashKey: tools.randomBytes(32),
  }
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    serve(running, socket).catch((cause: unknown) => {
      tools.log.error('a connection was cut', { route: settings.name, cause })
      socket.destroy()
    })
  })
  server.maxConnections = settings.max_connections
  const url = await listenOn(server, settings.listen, `\`listen\` of route \`${settings.name}\``)
  let closed: Promise<void> | undefined
  return {
    url: url.replace('http:', 'postgres:'),
    close(graceMs) {
      closed ??= close(server, running, sockets, graceMs)
      return closed
    },
  }
}

function close(
  server: Server,
  { sessions, tools }: RunningRoute,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  for (const session of sessions) session.finish()
  return new Promise((resolve) => {
    const cancel = tools.after(graceMs, () => {
      for (const socket of sockets) socket.destroy()
    })
    server.close(() => {
      cancel()
      resolve()
    })
  })
}
