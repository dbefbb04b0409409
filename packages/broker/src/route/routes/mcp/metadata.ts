/** Metadata of the route as an OAuth protected resource (RFC 9728), and where refusals point to it. */
import { newId } from '../../../base/id.ts'
import { type Problem, problem, withPlace } from '../../bearer-error.ts'
import { json } from './answers.ts'
import type { RunningMcp } from './running.ts'

/** RFC 9728 3. */
export const wellKnown = '/.well-known/oauth-protected-resource'

/** One resource for all servers of the route: its tokens have one audience, and the policy says which tools of which. */
export function resourceMetadata({ settings, gate, issuer, tools }: RunningMcp, path: string): Problem {
  const resource = gate.audience(settings.target)
  const rest = path.slice(wellKnown.length)
  const known = rest === '' || (rest.startsWith('/') && Object.hasOwn(settings.servers, rest.slice(1)))
  if (!known || resource === undefined) return problem(404, 'There is no such resource.', newId('er', tools))
  return json(200, {
    resource,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    resource_name: settings.name,
  })
}

/** A refusal of the token, with the place where its holder learns who gives tokens. */
export function withMetadata(refused: Problem, audience: string | undefined): Problem {
  if (audience === undefined || !URL.canParse(wellKnown, audience)) return refused
  return withPlace(refused, new URL(wellKnown, audience).href)
}
