/**
 * The peer: oidc-provider with a token-exchange grant that verifies the same RS256 subject token with `jose` and
 * signs an ES256 `at+jwt`. It keeps nothing durable: no spent tokens, no leases, no log.
 */
import { generateKeyPairSync, type webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { report } from '../child.ts'

interface Argument {
  readonly jwk: webcrypto.JsonWebKey
  readonly issuer: string
  readonly audience: string
}

const argument = JSON.parse(process.argv[2] ?? '{}') as Argument
const peers = new URL('../peers/node_modules/', import.meta.url)
const { default: Provider } = await import(new URL('oidc-provider/lib/index.js', peers).href)
const { createLocalJWKSet, jwtVerify } = await import(new URL('jose/dist/webapi/index.js', peers).href)

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keys = createLocalJWKSet({ keys: [argument.jwk] })
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const resource = 'https://orders.acme.example'

const provider = new Provider('http://127.0.0.1', {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'peer' }] },
  clients: [
    {
      client_id: 'bench',
      token_endpoint_auth_method: 'none',
      grant_types: [grantType],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  scopes: ['orders:read', 'orders:write'],
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'orders:read orders:write',
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})

interface Context {
  body: unknown
  oidc: { client: unknown; params: { subject_token: string } }
}

provider.registerGrantType(
  grantType,
  async (context: Context) => {
    const { payload } = await jwtVerify(context.oidc.params.subject_token, keys, {
      issuer: argument.issuer,
      audience: argument.audience,
      algorithms: ['RS256'],
    })
    const token = new provider.AccessToken({
      client: context.oidc.client,
      accountId: payload.sub,
      scope: 'orders:read orders:write',
      gty: 'token-exchange',
      extra: {
        repository_id: payload['repository_id'],
        run_id: payload['run_id'],
        check_run_id: payload['check_run_id'],
        environment: payload['environment'],
      },
    })
    token.resourceServer = new provider.ResourceServer(resource, {
      scope: 'orders:read orders:write',
      audience: resource,
      accessTokenFormat: 'jwt',
      accessTokenTTL: 600,
      jwt: { sign: { alg: 'ES256' } },
    })
    const value = await token.save()
    context.body = {
      access_token: value,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope: token.scope,
    }
  },
  ['subject_token', 'subject_token_type', 'audience'],
)

const server = createServer(provider.callback())
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  report(`http://127.0.0.1:${port}/token`, async () => {
    server.closeAllConnections()
    server.close()
  })
})
