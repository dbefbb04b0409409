/**
 * mcp: the route for the Model Context Protocol over streamable HTTP (2026-07-28, and 2025-06-18 and 2025-11-25 as the
 * legacy mode). Several servers stand behind one address, each at a path of its own. A call of a tool is a request
 * `CALL /SERVER/TOOL` to the policy, with the arguments as its body. It carries messages and decides nothing.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asFailure } from '../../../base/failure.ts'
import type { Reach } from '../../../base/reach.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Problem } from '../../bearer-error.ts'
import { Recent } from '../../recent.ts'
import type { Gate, Listening, Route } from '../../route.ts'
import { readAsked } from '../http/asked.ts'
import { refusalOf, say, unfit } from '../http/saying-no.ts'
import { openServing } from '../http/served.ts'
import { listenForRequests } from '../http/serving.ts'
import { askOver } from './ask-server.ts'
import { resourceMetadata, wellKnown, withMetadata } from './metadata.ts'
import { type McpRouteSettings, type RunningMcp, targetOf } from './running.ts'
import { answerMessage } from './serve.ts'
import { openSessionIds } from './session-ids.ts'

/** Opens nothing yet; `listen` does. */
export function openMcpRoute(
  settings: McpRouteSettings,
  issuer: string,
  tools: Tools,
  through?: (connector: string) => Reach,
): Route {
  return { listen: (gate) => listen(settings, issuer, tools, gate, through) }
}

function listen(
  settings: McpRouteSettings,
  issuer: string,
  tools: Tools,
  gate: Gate,
  through: ((connector: string) => Reach) | undefined,
): Promise<Listening> {
  const sessions = openSessionIds(tools)
  const over = Object.entries(settings.servers).flatMap(([name, { url, via }]) =>
    via === undefined || through === undefined ? [] : [{ name, ...askOver(url, through(via)) }],
  )
  const ways = new Map(over.map(({ name, ask }) => [name, ask]))
  const closed = () => {
    for (const { close } of over) close()
  }
  const running: RunningMcp = {
    ...openServing(settings, tools, gate),
    settings,
    issuer,
    gate,
    sessions,
    toolLists: new Recent(500),
    definitions: new Recent(4_000),
    told: new Recent(1000),
    ways,
  }
  const serve = async (request: IncomingMessage, response: ServerResponse, waits: boolean) => {
    const answer = await answerTo(running, request, response, waits)
    if (answer !== undefined) say(running, request, response, answer)
  }
  return listenForRequests(
    running,
    settings,
    { serve, closed },
    { headersTimeout: 10_000, requestTimeout: 30_000 },
  )
}

/** An answer of our own, or `undefined` where the server's was carried. */
async function answerTo(
  running: RunningMcp,
  request: IncomingMessage,
  response: ServerResponse,
  waits: boolean,
): Promise<Problem | undefined> {
  const { settings, gate } = running
  const no = (status: number, why: string) => unfit(running, request.socket, status, why)
  const asked = readAsked(request)
  if ('unfit' in asked) return no(asked.status, asked.unfit)
  if (request.method === 'GET' && asked.path.startsWith(wellKnown))
    return resourceMetadata(running, asked.path)
  const { origin } = request.headers
  // A page in somebody's browser must not speak to it by a name that was pointed here (DNS rebinding).
  if (origin !== undefined && !settings.origins.includes(origin))
    return no(403, 'This origin may not ask here.')
  const server = asked.path.slice(1)
  if (!Object.hasOwn(settings.servers, server)) return no(404, 'There is no such server here.')
  if (request.method !== 'POST') {
    const refused = await no(405, 'Messages come by POST.')
    return { ...refused, headers: [...refused.headers, 'Allow', 'POST'] }
  }
  if (asked.query !== '') return no(400, 'The address of a server has no query.')
  const leaving = new AbortController()
  response.once('close', () => leaving.abort())
  const left = leaving.signal
  try {
    return await answerMessage(running, { request, response, asked, server, waits, left })
  } catch (thrown) {
    if (left.aborted && thrown === left.reason) return undefined
    return withMetadata(refusalOf(running, asFailure(thrown)), gate.audience(targetOf(settings, server)))
  }
}
