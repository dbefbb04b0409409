/** The `github_app` target: installation access tokens of GitHub Apps, narrowed to repositories and permissions. */
import { z } from 'zod'
import type { Json } from '../../../base/canonical-json.ts'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import { type RouteTokens, routeToken } from '../../route-token.ts'
import type { Handle, Issued, Target } from '../../target.ts'
import { type MadeToken, openEndToken } from './end-token.ts'
import { type GithubAppConnection, openGithub, seconds } from './github.ts'
import { openInstallations } from './installations.ts'
import { mint } from './mint.ts'
import { settingsOf, tokenSeconds, wishOf } from './wish.ts'

export interface GithubAppTargetParts {
  /** `connections.github_app` of the configuration. */
  readonly connections: Readonly<Record<string, GithubAppConnection>>
  readonly tools: Tools
  /** Makes a token of ours, where a route uses the app's. */
  readonly tokens?: RouteTokens
}

/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** No token is asked for later than this after its grant; the revoke room waits as long for what is being issued. */
const issueSeconds = 120
/** For clocks that differ. */
const slack = 60

/**
 * All that revocation needs. A token can only be ended with itself, and GitHub names it only in its answer: before, the
 * handle says how long a token that nobody knows could live.
 */
const handleShape = z.object({
  app: z.string(),
  api: z.string(),
  lease: z.string(),
  /** Seconds since 1970; after it no token of this lease works. */
  until: z.number(),
  made: z.object({ installation: z.number(), token: z.string(), madeAt: z.number() }).optional(),
})

type GithubHandle = z.output<typeof handleShape>

/** Opens the kind. Throws `Failure('internal')` when the key of an app cannot be read. */
export function openGithubAppTarget({ connections, tools, tokens }: GithubAppTargetParts): Target {
  const github = openGithub(connections, tools)
  const parts = { github, installations: openInstallations(github), end: openEndToken(github) }
  return {
    kind: 'github_app',
    local: false,
    connection: (grant) => `github_app ${settingsOf(grant).app}`,
    prepare: (grant) => {
      const settings = settingsOf(grant)
      // Before anything is written: what GitHub would refuse for good.
      wishOf(grant, settings)
      const { name, api } = github.app(settings.app)
      return { app: name, api, lease: grant.leaseId, until: lastMoment(grant) }
    },
    async issue(grant, handle): Promise<Issued> {
      const settings = settingsOf(grant)
      const known = handleOf(handle)
      const handleWith = (made: MadeToken, endsAt = 0) => {
        return () => withToken(known, made, endsAt)
      }
      // Signed first: what GitHub made would have to be ended if this failed.
      const ours = await routeToken(tokens, grant, settings.audience)
      const made = await mint(parts, {
        app: github.app(settings.app),
        wish: wishOf(grant, settings),
        before: grant.issuedAt + issueSeconds,
        keep: (token) => ({ handle: handleWith(token) }),
      })
      if (ours) return { ...ours, handle: handleWith(made, made.endsAt) }
      return {
        token: new Secret(made.token),
        issuedTokenType: accessToken,
        tokenType: 'Bearer',
        handle: handleWith(made, made.endsAt),
      }
    },
    async revoke(handle) {
      const { made, api, until } = handleOf(handle)
      if (seconds(tools) >= until) return
      if (made !== undefined) return await parts.end({ api, ...made })
      const end = new Date(until * 1000).toISOString().replace('.000Z', 'Z')
      const reason = `GitHub may have made a token that nobody knows; it works until ${end} at the latest`
      throw new Failure('provider_unavailable', { reason })
    },
    close: async () => github.close(),
  }
}

function lastMoment(grant: Grant): number {
  return grant.issuedAt + issueSeconds + tokenSeconds + slack
}

/** GitHub says when a token ends by its own clock, which may be ahead of ours. */
function withToken(known: GithubHandle, made: MadeToken, endsAt: number): Json {
  const { app, api, lease } = known
  const { installation, token, madeAt } = made
  const until = Math.max(known.until, endsAt + 10 * slack)
  return { app, api, lease, until, made: { installation, token, madeAt } }
}

function handleOf(handle: Handle): GithubHandle {
  const parsed = handleShape.safeParse(handle)
  if (parsed.success) return parsed.data
  throw new Failure('internal', { reason: 'a handle is not one of github_app' })
}
