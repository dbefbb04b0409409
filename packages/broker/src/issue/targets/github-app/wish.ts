import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import type { Grant } from '../../../domain.ts'
import { type Access, type GithubAppSettings, githubAppSettings, isAtMost } from './settings.ts'

/** What a token is asked for. */
export interface Wish {
  /** `OWNER/NAME`, all of one owner. */
  readonly repositories: readonly [string, ...string[]]
  readonly permissions: Readonly<Record<string, Access>>
}

/** GitHub's installation tokens live this long, whatever is asked for; seconds. */
export const tokenSeconds = 3600

/** What a grant means at GitHub. Throws `target_refused` where it means nothing there, `internal` on other settings. */
export function wishOf(grant: Grant, settings: GithubAppSettings): Wish {
  const refused = (reason: string) => new Failure('target_refused', { reason })
  if (grant.expiresAt - grant.issuedAt > tokenSeconds)
    throw refused(`a token of GitHub lives for an hour, and ${grant.target} is granted for longer`)
  const [first, ...others] = [...new Set(settings.repos.map((each) => each.toLowerCase()))]
  if (first === undefined) throw refused(`${grant.target} names no repository`)
  const permissions = permissionsOf(grant, settings)
  if (Object.keys(permissions).length === 0)
    throw refused(`${grant.target} was asked for without any permission`)
  return { repositories: [first, ...others], permissions }
}

const read = new WeakMap<object, GithubAppSettings>()

/** A grant's settings, checked. They come from the policy and stay the same object until the next one. */
export function settingsOf(grant: Grant): GithubAppSettings {
  const { settings } = grant
  const known = typeof settings === 'object' && settings !== null ? read.get(settings) : undefined
  if (known !== undefined) return known
  const parsed = githubAppSettings.safeParse(settings)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const reason = `the settings of ${grant.target} are not those of github_app: ${issue?.path.join('.')} ${issue?.message}`
    throw new Failure('target_refused', { reason })
  }
  if (typeof settings === 'object' && settings !== null) read.set(settings, parsed.data)
  return parsed.data
}

/** All of the target's, or where it lists scopes, those that were granted. */
function permissionsOf(grant: Grant, { scopes, permissions }: GithubAppSettings): Record<string, Access> {
  const listed = scopes === undefined ? [] : Array.isArray(scopes) ? scopes : Object.keys(scopes)
  if (listed.length === 0) return permissions
  const asked: Record<string, Access> = {}
  for (const scope of grant.scopes.filter((each) => listed.includes(each))) {
    const [name = '', access] = scope.split(':') as [string, Access]
    if (isAtMost(asked[name] ?? 'read', access)) asked[name] = access
  }
  return asked
}

/** What GitHub gave, as far as it has to be looked at. */
const given = z.object({
  expires_at: z.iso.datetime({ offset: true }),
  permissions: z.record(z.string(), z.string()),
  repository_selection: z.string(),
  repositories: z.array(z.object({ full_name: z.string() })),
})

/** What is wrong with GitHub's answer to a wish, if it is wider or cannot be judged; or when the token ends. */
export function judge(json: unknown, wish: Wish): { readonly fault: string } | { readonly endsAt: number } {
  const parsed = given.safeParse(json)
  if (!parsed.success) return { fault: `without a readable ${parsed.error.issues[0]?.path.join('.')}` }
  const { permissions, repositories, repository_selection: selection, expires_at: expires } = parsed.data
  const foreign = repositories.find((each) => !wish.repositories.includes(each.full_name.toLowerCase()))
  if (foreign !== undefined || selection !== 'selected')
    return {
      fault: `for ${JSON.stringify(foreign?.full_name.slice(0, 150) ?? selection)}, which was not asked for`,
    }
  for (const [name, access] of Object.entries(permissions)) {
    const asked = Object.hasOwn(wish.permissions, name) ? wish.permissions[name] : undefined
    // Every token of GitHub's may read metadata.
    if (!isAtMost(access, asked) && !(name === 'metadata' && access === 'read'))
      return { fault: `with ${JSON.stringify(`${name}: ${access}`.slice(0, 100))}, which was not asked for` }
  }
  return { endsAt: Math.ceil(Date.parse(expires) / 1000) }
}
