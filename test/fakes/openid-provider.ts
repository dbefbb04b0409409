/** A real OpenID Provider on loopback, where people sign in with any password, and one client. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import Provider from 'oidc-provider'
import { atEnd } from './at-end.ts'

export interface OpenIdProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** A token of its own making: `iss`, `iat` and `exp` are there. */
  sign(claims: Readonly<Record<string, unknown>>, type?: string): Promise<string>
}

interface Saved {
  accountId: string
  acr?: string
  save(...given: unknown[]): Promise<string>
}

/** `origin`: of the route that people come to. */
export async function openIdProvider(t: TestContext, origin: string): Promise<OpenIdProvider> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const asked: { acr?: string | undefined } = {}
  const clientId = 'mayfly-at-the-route'
  const clientSecret = randomBytes(24).toString('base64url')
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [`${origin}/.mayfly/callback`],
        post_logout_redirect_uris: [`${origin}/`],
        backchannel_logout_uri: `${origin}/.mayfly/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: 'one' }] },
    acrValues: ['mfa', 'never'],
    cookies: { keys: [randomBytes(16).toString('hex')] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'role', 'groups'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@acme.example`,
        role: id.startsWith('admin') ? 'admin' : 'guest',
        groups: id.startsWith('admin') ? ['staff', 'orders-admins', 'everybody'] : ['staff'],
      }),
    }),
    features: { backchannelLogout: { enabled: true }, devInteractions: { enabled: true } },
    // It refuses to ask loopback by itself, where everything of a test is.
    fetch: (url: URL | string, options: RequestInit & { dispatcher?: unknown } = {}) => {
      const { dispatcher: _, ...rest } = options
      return fetch(url, rest)
    },
  } as ConstructorParameters<typeof Provider>[1])
  // Whoever is asked for a second factor has one at hand, but for `weak` ones.
  const { prototype } = provider.AuthorizationCode as { prototype: Saved }
  const { save } = prototype
  prototype.save = function saveStronger(...given) {
    if (asked.acr === 'mfa' && !this.accountId.includes('weak')) this.acr = 'mfa'
    return save.apply(this, given)
  }
  provider.on('server_error', (_, error) => t.diagnostic(`provider: ${error.message}`))
  provider.on('backchannel.error', (_, error) =>
    t.diagnostic(`backchannel: ${error.message} ${String(error.cause)}`),
  )
  server.on('request', (request) => {
    const url = new URL(request.url ?? '/', issuer)
    if (url.pathname === '/auth') asked.acr = url.searchParams.get('acr_values') ?? undefined
  })
  server.on('request', provider.callback())
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const sign = (claims: Readonly<Record<string, unknown>>, typ = 'logout+jwt') =>
    new SignJWT({ iss: issuer, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', typ })
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey)
  return { issuer, clientId, clientSecret, sign }
}
