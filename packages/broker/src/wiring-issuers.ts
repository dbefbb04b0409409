/** wiring-issuers: whether the tokens that the configuration verifies are those that the policy judges. */
import type { Config } from './config/config.ts'
import type { PolicyInForce } from './decide/policies.ts'
import { policyKinds } from './verify/preset-names.ts'

/**
 * An issuer of the policy is the configured one of the same name, and its kind is the preset's: judged by the claims of
 * another platform, a token could say anything in them.
 */
export function issuerFaults(config: Config, { policy }: PolicyInForce): readonly string[] {
  return [...policy.issuers].flatMap(([name, { schema }]) => {
    const settings = Object.hasOwn(config.issuers, name) ? config.issuers[name] : undefined
    if (settings === undefined)
      return [`the policy speaks of the issuer \`${name}\`, which is not configured`]
    const { preset } = settings
    const fitting = policyKinds[preset]
    if (fitting === undefined)
      return [
        `the policy speaks of the issuer \`${name}\`, but policies know no claims of its preset ${preset}`,
      ]
    if (fitting === schema.kind) return []
    const said = `the policy judges tokens of \`${name}\` as those of kind \`${schema.kind}\``
    return [`${said}, but its preset is ${preset}; write \`kind: ${fitting}\` in the policy`]
  })
}
