import type { Config } from './config/config.ts'
import type { PolicyInForce } from './decide/policies.ts'
import { audienceOf, isTargetKind } from './kinds.ts'

/** What does not fit between the configuration and the policy, in words; the server starts with none of it. */
export function wiringFaults(config: Config, inForce: PolicyInForce): readonly string[] {
  const kinds = [...inForce.policy.targets.values()]
    .filter(({ kind }) => !isTargetKind(kind))
    .map(({ name, kind }) => `target \`${name}\` is of kind \`${kind}\`, which this version lacks`)
  const named = [
    ...config.routes.map(({ name, target }) => ({ who: `route \`${name}\``, target })),
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
  return [...kinds, ...missing, ...issuerFaults(config, inForce)]
}

/** A policy judges tokens by GitHub's claims, so they must be GitHub's: another platform could say anything in them. */
function issuerFaults(config: Config, inForce: PolicyInForce): readonly string[] {
  return [...inForce.policy.issuers.keys()].flatMap((name) => {
    const settings = Object.hasOwn(config.issuers, name) ? config.issuers[name] : undefined
    if (settings === undefined)
      return [`the policy speaks of the issuer \`${name}\`, which is not configured`]
    return settings.preset === 'github-actions'
      ? []
      : [`the policy judges tokens of \`${name}\` as GitHub's, but its preset is ${settings.preset}`]
  })
}
