/** Metadata of the route as an OAuth protected resource (RFC 9728), and where refusals point to it. */
import { newId } from '../../../base/id.ts'
import { type Problem, problem, withPlace } from '../../bearer-error.ts'
import { json } from './answers.ts'
import { type RunningMcp, targetOf } from './running.ts'

/** RFC 9728 3. */
export const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * The resource at this path: a server by its name, or by the path of its audience (RFC 9728 3.1); the route where there is
 * neither. Servers without a target of their own are one resource: its tokens have one audience, and the policy says which
 * tools of which.
 */
export function resourceMetadata({ settings, gate, issuer, tools }: RunningMcp, path: string): Problem {
  const rest = path.slice(wellKnown.length)
  const names = Object.keys(settings.servers)
  const named = names.find((name) => rest === `/${name}`)
  const all = [...names.map((name) => targetOf(settings, name)), settings.target]
  const target =
    named !== undefined
      ? targetOf(settings, named)
      : rest === ''
        ? settings.target
        : all.find((each) => pathOf(gate.audience(each)) === rest)
  const resource = target === undefined ? undefined : gate.audience(target)
  if (resource === undefined) return problem(404, 'There is no such resource.', newId('er', tools))
  return json(200, {
    resource,
    authorization_servers: [issuer],
    bearer_methods_supported: ['header'],
    resource_name: target === settings.target ? settings.name : (named ?? settings.name),
  })
}

/** A refusal of the token, with the place where its holder learns who gives tokens. */
export function withMetadata(refused: Problem, audience: string | undefined): Problem {
  const path = pathOf(audience)
  if (audience === undefined || path === undefined) return refused
  return withPlace(refused, new URL(`${wellKnown}${path}`, audience).href)
}

/** What follows the host in an audience, without a slash at its end; `undefined` for one that is no address. */
function pathOf(audience: string | undefined): string | undefined {
  if (audience === undefined || !URL.canParse(wellKnown, audience)) return undefined
  return new URL(audience).pathname.replace(/\/$/, '')
}
