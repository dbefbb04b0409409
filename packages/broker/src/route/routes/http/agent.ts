import { Agent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { Reach } from '../../../base/reach.ts'

/** The connections to one origin; over `reach`, where it is given, with TLS inside it from here to the upstream. */
export function agentFor(origin: URL, reach?: Reach): Agent {
  const secure = origin.protocol === 'https:'
  const agent = new (secure ? SecureAgent : Agent)({ keepAlive: true, maxFreeSockets: 256 })
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
