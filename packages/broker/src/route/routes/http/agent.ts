import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { Reach } from '../../../base/reach.ts'
import type { HttpRouteSettings } from '../../settings.ts'

type UpstreamTls = NonNullable<HttpRouteSettings['upstream_tls']>

/** The connections to one origin; over `reach`, where it is given, with TLS inside it from here to the upstream. */
export function agentFor(origin: URL, reach?: Reach, tls: UpstreamTls = {}): Agent {
  const secure = origin.protocol === 'https:'
  const options = { keepAlive: true, maxFreeSockets: 256 }
  const agent = secure ? new SecureAgent({ ...options, ...revealed(tls) }) : new Agent(options)
  if (reach === undefined) return agent
  const place = {
    host: origin.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(origin.port === '' ? (secure ? 443 : 80) : origin.port),
  }
  const usual = agent.createConnection.bind(agent)
  agent.createConnection = secure
    ? (options, created) => usual({ ...options, ...{ socket: reach(place) } }, created)
    : () => reach(place)
  return agent
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
