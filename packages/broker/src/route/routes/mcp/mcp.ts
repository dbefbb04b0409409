/**
 * mcp: the route for the Model Context Protocol over streamable HTTP (2026-07-28, and 2025-06-18 and 2025-11-25 as the
 * legacy mode). Several servers stand behind one address, each at a path of its own. A call of a tool is a request
 * `CALL /SERVER/TOOL` to the policy, with the arguments as its body. It carries messages and decides nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { asFailure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { listenOn } from '../../../base/listening.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Listening, Route } from '../../route.ts'
import { readAsked } from '../http/asked.ts'
import { Connections } from '../http/connections.ts'
import { answerBrokenRequests } from '../http/unreadable.ts'
import { drain } from '../http/upload.ts'
import { type Answer, httpProblem } from './answers.ts'
import { resourceMetadata, wellKnown, withMetadata } from './metadata.ts'
import type { McpRouteSettings, RunningMcp } from './running.ts'
import { answerMessage } from './serve.ts'
import { openSessionIds } from './session-ids.ts'

/** Opens nothing yet; `listen` does. */
export function openMcpRoute(settings: McpRouteSettings, issuer: string, tools: Tools): Route {
  return { listen: (gate) => listen({ settings, issuer, tools, gate }) }
}

async function listen(parts: Omit<RunningMcp, 'sessions' | 'closing'>): Promise<Listening> {
  const { settings, tools } = parts
  const running: RunningMcp = { ...parts, sessions: openSessionIds(tools), closing: false }
  const connections = new Connections(settings.max_connections)
  const server = createServer(
    {
      insecureHTTPParser: false,
      maxHeaderSize: 16_384,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      noDelay: true,
      requireHostHeader: false,
    },
    (request, response) => {
      request.on('error', () => {})
      response.on('error', () => {})
      const leave = connections.take(request, response)
      if (leave === undefined) return
      response.once('close', () => {
        leave()
        if (running.closing) server.closeIdleConnections()
      })
      serve(running, request, response).catch((cause: unknown) => {
        tools.log.error('a message was cut', { route: settings.name, cause })
        response.destroy()
      })
    },
  )
  server.maxConnections = settings.max_connections
  answerBrokenRequests(server, tools, connections)
  const url = await listenOn(server, settings.listen, `\`listen\` of route \`${settings.name}\``)
  let closed: Promise<void> | undefined
  return {
    url,
    close(graceMs) {
      closed ??= close(server, running, graceMs)
      return closed
    },
  }
}

function close(server: Server, running: RunningMcp, graceMs: number): Promise<void> {
  running.closing = true
  return new Promise((resolve) => {
    const cancel = running.tools.after(graceMs, () => server.closeAllConnections())
    server.close(() => {
      cancel()
      resolve()
    })
  })
}

async function serve(running: RunningMcp, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = await answerTo(running, request, response)
  if (answer === undefined || response.destroyed) return
  response.writeHead(answer.status, [
    ...answer.headers,
    'Content-Length',
    String(Buffer.byteLength(answer.body)),
  ])
  response.end(answer.body)
  if (!request.complete) drain(request, running.tools)
}

/** An answer of our own, or `undefined` where the server's was carried. */
async function answerTo(
  running: RunningMcp,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Answer | undefined> {
  const { settings, tools, gate } = running
  const unfit = (status: number, detail: string) => httpProblem(status, detail, newId('er', tools))
  const asked = readAsked(request)
  if ('unfit' in asked) return unfit(asked.status, asked.unfit)
  if (request.method === 'GET' && asked.path.startsWith(wellKnown))
    return resourceMetadata(running, asked.path)
  const { origin } = request.headers
  // A page in somebody's browser must not speak to it by a name that was pointed here (DNS rebinding).
  if (origin !== undefined && !settings.origins.includes(origin))
    return unfit(403, 'This origin may not ask here.')
  const server = asked.path.slice(1)
  if (!Object.hasOwn(settings.servers, server)) return unfit(404, 'There is no such server here.')
  if (request.method !== 'POST') {
    const refused = unfit(405, 'Messages come by POST.')
    return { ...refused, headers: [...refused.headers, 'Allow', 'POST'] }
  }
  if (asked.query !== '') return unfit(400, 'The address of a server has no query.')
  try {
    return await answerMessage(running, { request, response, asked, server })
  } catch (thrown) {
    const failure = asFailure(thrown)
    const id = failure.entry ?? newId('er', tools)
    if (failure.code === 'internal' || failure.code === 'provider_unavailable')
      tools.log.error('the gate could not decide', {
        route: settings.name,
        error_id: id,
        reason: failure.reason,
        cause: failure.cause,
      })
    return withMetadata(failure, id, gate.audience(settings.target))
  }
}
