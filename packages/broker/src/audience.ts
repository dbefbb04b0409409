import type { PolicyInForce } from './decide/policies.ts'

const ours: ReadonlySet<string> = new Set(['token', 'postgres_role', 'github_app', 'aws_role'])

/** The audience that our tokens of a target carry; `undefined` when it has none, or is of a kind that others make. */
export function audienceOf({ policy }: PolicyInForce, target: string): string | undefined {
  const found = policy.targets.get(target)
  const settings = ours.has(found?.kind ?? '') ? found?.settings : undefined
  if (typeof settings !== 'object' || settings === null || !('audience' in settings)) return undefined
  return typeof settings.audience === 'string' ? settings.audience : undefined
}
