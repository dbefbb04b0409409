import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import type { Reach } from '../../../base/reach.ts'
import type { Tools } from '../../../base/tools.ts'
import type { HttpRouteSettings } from '../../settings.ts'
import { overHttp2 } from './http2/onward.ts'

type UpstreamTls = NonNullable<HttpRouteSettings['upstream_tls']>

/** The connections to one origin; over `reach`, where it is given, with TLS inside it from here to the upstream. */
export function agentFor(origin: URL, reach?: Reach, tls: UpstreamTls = {}): Agent {
  const secure = origin.protocol === 'https:'
  const options = { keepAlive: true, maxFreeSockets: 256 }
  const agent = secure ? new SecureAgent({ ...options, ...revealed(tls) }) : new Agent(options)
  if (reach === undefined) return agent
  const place = placeOf(origin)
  const usual = agent.createConnection.bind(agent)
  agent.createConnection = secure
    ? (options, created) => usual({ ...options, ...{ socket: reach(place) } }, created)
    : () => reach(place)
  return agent
}

/** The same for an origin that speaks HTTP/2. */
export function http2AgentFor(
  origin: URL,
  reach: Reach | undefined,
  tls: UpstreamTls | undefined,
  times: { readonly idleMs: number; readonly tools: Pick<Tools, 'after'> },
): Agent {
  const secure = origin.protocol === 'https:'
  const place = placeOf(origin)
  const dial = () => {
    const through = reach === undefined ? {} : { socket: reach(place) }
    if (!secure) return through.socket ?? connectPlain(place)
    const named = isIP(place.host) === 0 ? { servername: place.host } : {}
    return connectSecure({ ...place, ...named, ...revealed(tls ?? {}), ...through, ALPNProtocols: ['h2'] })
  }
  const { idleMs: connectMs, tools } = times
  return overHttp2(secure ? new SecureAgent() : new Agent(), { origin, dial, connectMs, tools })
}

function placeOf({ hostname, port, protocol }: URL): { readonly host: string; readonly port: number } {
  const usual = protocol === 'https:' ? 443 : 80
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? usual : Number(port) }
}

/** `ca`: those who vouch, in the place of all others. */
function revealed({ ca, certificate, key, server_name: servername }: UpstreamTls) {
  return {
    ...(servername === undefined ? {} : { servername }),
    ...(ca === undefined ? {} : { ca: ca.reveal() }),
    ...(certificate === undefined || key === undefined
      ? {}
      : { cert: certificate.reveal(), key: key.reveal() }),
  }
}
