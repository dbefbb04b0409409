/**
 * dialects: what stands behind the doors of other brokers' protocols: which target their names mean, by the policy in
 * force and the configuration. It decides nothing: whatever a name means, the exchange has the word. `doorway.ts` calls it.
 */
import type { Core } from './core.ts'
import type { PolicyInForce } from './decide/policies.ts'
import type { Lease } from './domain.ts'
import { openIdentities } from './http/dialects/aws-sts/identities.ts'
import type { DialectDoors } from './http/doors.ts'
import type { Sessions } from './sessions.ts'

/** The doors of the dialects that the configuration opens. */
export function dialectDoors({
  config,
  policy,
  tools,
  revoke,
  sessions,
}: Pick<Core, 'config' | 'policy' | 'tools' | 'revoke'> & {
  readonly sessions: Sessions | undefined
}): DialectDoors {
  const { octo_sts: octoSts, aws_sts: awsSts, google, vault } = config.dialects
  return {
    ...(octoSts === undefined
      ? {}
      : {
          octoSts: {
            audience: new URL(config.url).host,
            target: (scope, identity) => own(own(octoSts.targets, scope) ?? {}, identity) ?? identity,
          },
        }),
    ...(awsSts === undefined
      ? {}
      : {
          awsSts: {
            target: (roleArn) =>
              own(awsSts.roles, roleArn) ?? onlyOne(targetsOfRole(policy.inForce(), roleArn)),
            identities: openIdentities(tools),
          },
        }),
    ...(google === undefined ? {} : { google: { target: (audience) => own(google.audiences, audience) } }),
    ...(vault === undefined || sessions === undefined
      ? {}
      : {
          vault: {
            sessions,
            paths: new Map(
              Object.entries(vault.paths).map(([path, to]) => [
                path,
                typeof to === 'string' ? { target: to } : to,
              ]),
            ),
            end: async (lease: Lease) => void (await revoke.endLease(lease, 'caller')),
          },
        }),
  }
}

/** Names of the targets `aws_role` whose role this is, or may be for some job. */
export function targetsOfRole({ policy }: PolicyInForce, roleArn: string): readonly string[] {
  return [...policy.targets.values()]
    .filter(({ kind, settings }) => kind === 'aws_role' && mayBe(roleOf(settings), roleArn))
    .map(({ name }) => name)
}

/** The role that the settings of a target `aws_role` name, with its templates. */
export function roleOf(settings: unknown): string {
  if (typeof settings === 'string') return settings
  const role =
    typeof settings === 'object' && settings !== null && 'role' in settings ? settings.role : undefined
  return typeof role === 'string' ? role : ''
}

/** Templates become what `issue/templates.ts` lets into them; whether they do for this job, the exchange finds out. */
function mayBe(role: string, roleArn: string): boolean {
  if (!role.includes('{')) return role === roleArn
  const literal = role.split(/\{[^{}]*\}/).map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('[A-Za-z0-9][A-Za-z0-9._-]{0,63}')}$`).test(roleArn)
}

function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
