import { audienceOf } from './audience.ts'
import type { Json } from './base/canonical-json.ts'
import type { Config } from './config/config.ts'
import type { PolicyInForce } from './decide/policies.ts'
import { settingsFault } from './issue/target-settings.ts'
import { isTargetKind, missingConnection } from './kinds.ts'
import { dialectFaults } from './wiring-dialects.ts'
import { issuerFaults } from './wiring-issuers.ts'
import { signInFaults } from './wiring-sign-in.ts'

/** What does not fit between the configuration and the policy, in words; the server starts with none of it. */
export function wiringFaults(config: Config, inForce: PolicyInForce): readonly string[] {
  const kinds = [...inForce.policy.targets.values()]
    .filter(({ kind }) => !isTargetKind(kind))
    .map(({ name, kind }) => `target \`${name}\` is of kind \`${kind}\`, which this version lacks`)
  const unfit = [...inForce.policy.targets.values()].flatMap(({ name, kind, settings }) => {
    const fault = isTargetKind(kind) ? settingsFault(kind, settings as Json) : undefined
    return fault === undefined
      ? []
      : [`target \`${name}\`: what the policy says under \`${kind}\` does not fit: ${fault}`]
  })
  const connections = [...inForce.policy.targets.values()].flatMap(({ name, kind, settings }) => {
    const missing = missingConnection(config, kind, settings as Json)
    return missing === undefined
      ? []
      : [`target \`${name}\` needs the connection \`${missing}\`, which is not configured`]
  })
  const named = [
    ...config.routes.flatMap(targetsOf),
    ...Object.entries(config.connectors).map(([name, { target }]) => ({
      who: `connector \`${name}\``,
      target,
    })),
    ...config.introspection.map(({ name, target }) => ({ who: `introspection client \`${name}\``, target })),
  ]
  const missing = named.flatMap(({ who, target }) => {
    if (!inForce.policy.targets.has(target)) {
      return [`${who} names the target \`${target}\`, which the policy does not have`]
    }
    return audienceOf(inForce, target) === undefined
      ? [`${who} names the target \`${target}\`, which has no audience`]
      : []
  })
  const takers = [
    ...config.routes.flatMap((route) => targetsOf(route).map((of) => ({ ...of, wanted: kindFor(route) }))),
    ...Object.entries(config.connectors).map(([name, { target }]) => ({
      who: `connector \`${name}\``,
      wanted: 'token',
      target,
    })),
  ]
  const unlike = takers.flatMap(({ who, wanted, target }) => {
    const found = inForce.policy.targets.get(target)?.kind ?? wanted
    return found === wanted || audienceOf(inForce, target) === undefined
      ? []
      : [`${who} names the target \`${target}\` of kind \`${found}\`; it needs one of \`${wanted}\``]
  })
  return [
    ...kinds,
    ...unfit,
    ...connections,
    ...missing,
    ...unlike,
    ...dialectFaults(config, inForce),
    ...issuerFaults(config, inForce),
    ...signInFaults(config),
    ...heldFaults(config, inForce),
  ]
}

/** A call that nobody could ever approve is a fault of the operator's, not of the caller's. */
function heldFaults({ approvals }: Config, { policy }: PolicyInForce): readonly string[] {
  if (approvals !== undefined) return []
  return [...policy.targets.values()]
    .filter(({ held }) => held !== undefined)
    .map(
      ({ name }) => `target \`${name}\` holds calls until they are approved, and there is no \`approvals\``,
    )
}

/** The targets that a route names: its own, and those of its servers. */
function targetsOf(
  route: Config['routes'][number],
): readonly { readonly who: string; readonly target: string }[] {
  const who = `route \`${route.name}\``
  const servers = route.kind === 'mcp' ? Object.entries(route.servers) : []
  const own = servers.flatMap(([name, { target }]) =>
    target === undefined ? [] : [{ who: `server \`${name}\` of ${who}`, target }],
  )
  return [{ who, target: route.target }, ...own]
}

/** The kind of target whose tokens a route lets in: what it puts in for the upstream is made by that. */
function kindFor(route: Config['routes'][number]): string {
  if (route.kind === 'postgres') return 'postgres_role'
  const inject = route.kind === 'http' ? (route.inject ?? {}) : {}
  if ('github_app' in inject) return 'github_app'
  return 'aws_sigv4' in inject ? 'aws_role' : 'token'
}
