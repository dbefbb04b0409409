/**
 * The `auth0` target: access tokens of Auth0 for an API, by client credentials with a private key JWT. Auth0 recalls no
 * access token: what ends when is said in the guide, and in the entry of each lease's end.
 */
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import type { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Grant } from '../../../domain.ts'
import type { Issued, Target } from '../../target.ts'
import { type AssertionAlgorithm, openAssertions } from './assertion.ts'
import { type Given, judge } from './judge.ts'
import { openKeptTokens } from './kept-tokens.ts'
import { openPauses } from './limits.ts'
import { auth0Settings, tenantUrl } from './settings.ts'
import { askForToken } from './token-endpoint.ts'

/** One connection `auth0.TENANT`, with its secret in place. */
export interface Auth0Connection {
  readonly domain: string
  readonly client_id: string
  readonly private_key: Secret
  readonly key_id?: string | undefined
  readonly algorithm: AssertionAlgorithm
}

export interface Auth0TargetParts {
  readonly connections: Readonly<Record<string, Auth0Connection>>
  readonly tools: Tools
  /** Milliseconds that Auth0 has for an answer; ten seconds when absent. */
  readonly answerMs?: number
}

/** RFC 8693 3. */
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
/** RFC 7523 2.2. */
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Until when the token of a lease may work; there is nothing else to know of it afterwards. */
const handleShape = z.object({ tenant: z.string(), until: z.number() })

interface Tenant {
  readonly name: string
  readonly url: string
  readonly clientId: string
  readonly assertion: () => string
}

/** Opens the kind. Throws `Failure('internal')` when the key of a tenant cannot be read. */
export function openAuth0Target({ connections, tools, answerMs = 10_000 }: Auth0TargetParts): Target {
  const closing = new AbortController()
  const pauses = openPauses(tools)
  const kept = openKeptTokens(tools)
  const tenants = new Map(
    Object.entries(connections).map(([name, connection]) => [name, openTenant(name, connection, tools)]),
  )
  const wanted = (grant: Grant) => {
    const settings = settingsOf(grant)
    const tenant = tenants.get(settings.tenant)
    if (tenant !== undefined) return { tenant, audience: settings.audience, scopes: grant.scopes }
    throw refused(`connections.auth0 has no \`${settings.tenant}\``)
  }
  const ask = async ({ tenant, audience, scopes }: ReturnType<typeof wanted>): Promise<Given> => {
    pauses.check(tenant.name)
    const askedAt = seconds(tools)
    const form = formOf(tenant, audience, scopes)
    const place = { url: `${tenant.url}/oauth/token`, milliseconds: answerMs, signal: closing.signal }
    try {
      return judge(
        await askForToken({ ...place, form, now: askedAt }),
        { audience, scopes },
        askedAt,
        seconds(tools),
      )
    } catch (thrown) {
      pauses.note(tenant.name, thrown)
      throw thrown
    }
  }
  return {
    kind: 'auth0',
    local: false,
    connection: (grant) => `auth0 ${settingsOf(grant).tenant}`,
    prepare(grant) {
      wanted(grant)
      return null
    },
    async issue(grant): Promise<Issued> {
      const wish = wanted(grant)
      const { token, endsAt, worksUntil } = await kept.of(grant, () => ask(wish))
      return {
        token,
        issuedTokenType: accessToken,
        tokenType: 'Bearer',
        expiresAt: endsAt,
        handle: () => ({ tenant: wish.tenant.name, until: worksUntil }),
      }
    },
    outlives(handle) {
      const parsed = handleShape.safeParse(handle)
      // Nobody was handed a token before its end was known.
      if (!parsed.success || parsed.data.until <= seconds(tools)) return undefined
      const until = new Date(parsed.data.until * 1000).toISOString().replace('.000Z', 'Z')
      return `Auth0 recalls no access token: this one works until ${until}`
    },
    close: async () => closing.abort(),
  }
}

function openTenant(name: string, connection: Auth0Connection, tools: Tools): Tenant {
  const url = tenantUrl(connection)
  const assertion = openAssertions({
    name,
    clientId: connection.client_id,
    privateKey: connection.private_key,
    keyId: connection.key_id,
    algorithm: connection.algorithm,
    audience: `${url}/`,
    tools,
  })
  return { name, url, clientId: connection.client_id, assertion }
}

function formOf(
  tenant: Tenant,
  audience: string,
  scopes: readonly string[],
): Readonly<Record<string, string>> {
  return {
    grant_type: 'client_credentials',
    client_id: tenant.clientId,
    client_assertion_type: assertionType,
    client_assertion: tenant.assertion(),
    audience,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
  }
}

function settingsOf(grant: Grant) {
  const parsed = auth0Settings.safeParse(grant.settings)
  if (!parsed.success) throw refused(`the settings of ${grant.target} are not those of auth0`)
  const { scopes } = parsed.data
  const listed = scopes === undefined ? 0 : Object.keys(scopes).length
  // Auth0 would take that as a wish for all that the application may have.
  if (listed > 0 && grant.scopes.length === 0)
    throw refused(`${grant.target} was asked for without any scope`)
  return parsed.data
}

function seconds(tools: Pick<Tools, 'now'>): number {
  return Math.floor(tools.now() / 1000)
}

function refused(reason: string): Failure {
  return new Failure('target_refused', { reason })
}
