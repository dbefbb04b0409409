import type { Config } from './config/config.ts'
import type { PolicyInForce } from './decide/policies.ts'
import { roleOf } from './dialects.ts'

/** What does not fit between the configured dialects and the policy, in words. */
export function dialectFaults({ dialects }: Config, { policy }: PolicyInForce): readonly string[] {
  const { octo_sts: octoSts, aws_sts: awsSts, google, vault } = dialects
  const named = [
    ...Object.entries(octoSts?.targets ?? {}).flatMap(([scope, identities]) =>
      Object.entries(identities).map(([identity, target]) => ({
        ...{ who: `\`dialects.octo_sts.targets\` of ${scope}, \`${identity}\`,`, target, kind: 'github_app' },
      })),
    ),
    ...Object.entries(awsSts?.roles ?? {}).map(([role, target]) => ({
      ...{ who: `\`dialects.aws_sts.roles\` of ${role}`, target, kind: 'aws_role' },
    })),
    ...Object.entries(google?.audiences ?? {}).map(([audience, target]) => ({
      ...{ who: `\`dialects.google.audiences\` of ${audience}`, target, kind: 'gcp_service_account' },
    })),
  ]
  const paths = Object.entries(vault?.paths ?? {}).flatMap(([path, to]) => {
    const target = typeof to === 'string' ? to : to.target
    const who = `\`dialects.vault.paths\` of ${path}`
    return policy.targets.has(target)
      ? []
      : [`${who} names the target \`${target}\`, which the policy does not have`]
  })
  const unfit = named.flatMap(({ who, target, kind }) => {
    const found = policy.targets.get(target)
    if (found === undefined) return [`${who} names the target \`${target}\`, which the policy does not have`]
    return found.kind === kind ? [] : [`${who} names the target \`${target}\`, which is no \`${kind}\``]
  })
  return [...unfit, ...paths, ...(awsSts === undefined ? [] : sameRoles(awsSts.roles, policy))]
}

/** An ARN that means two targets would mean whichever came first. */
function sameRoles(
  known: Readonly<Record<string, string>>,
  policy: PolicyInForce['policy'],
): readonly string[] {
  const targets = [...policy.targets.values()].filter(({ kind }) => kind === 'aws_role')
  const byRole = Map.groupBy(targets, ({ settings }) => roleOf(settings))
  return [...byRole].flatMap(([role, those]) =>
    those.length < 2 || Object.hasOwn(known, role)
      ? []
      : [
          `targets ${those.map(({ name }) => `\`${name}\``).join(' and ')} have the role ${role}: ` +
            'say under `dialects.aws_sts.roles` which of them it means',
        ],
  )
}
