import { Failure } from '../base/failure.ts'
import type { Grant } from '../domain.ts'
import type { Issued, Target } from './target.ts'

/** Makes tokens of ours for leases whose credential a route alone uses. Absent: there can be no such lease. */
export type RouteTokens = Pick<Target, 'issue'>

/** What the job gets in the place of the credential, where the target names an audience; `undefined`: the credential itself. */
export async function routeToken(
  tokens: RouteTokens | undefined,
  grant: Grant,
  audience: string | undefined,
): Promise<Issued | undefined> {
  if (audience === undefined) return undefined
  if (tokens === undefined) throw new Failure('internal', { reason: 'nothing makes tokens for a route' })
  return await tokens.issue({ ...grant, settings: { audience } }, null)
}
