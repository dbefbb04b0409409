/** An OpenID Provider without a face, on any clock: whoever comes is signed in as somebody new. */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface SoakProvider {
  readonly issuer: string
  /** A logout token for the session of whoever signed in last. */
  logoutToken(): Promise<string>
  close(): void
}

/** `now`: milliseconds since 1970. */
export async function startSoakProvider(clientId: string, now: () => number): Promise<SoakProvider> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'RS256' }
  const nonces = new Map<string, string>()
  let last = ''
  const signed = (claims: Readonly<Record<string, unknown>>, typ: string) => {
    const iat = Math.floor(now() / 1000)
    return new SignJWT({ iss: issuer, aud: clientId, jti: randomUUID(), ...claims, iat, exp: iat + 300 })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', typ })
      .sign(privateKey)
  }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    const json = (value: unknown) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(value))
    }
    if (url.pathname === '/authorize') {
      const code = randomUUID()
      nonces.set(code, url.searchParams.get('nonce') ?? '')
      const back = new URL(url.searchParams.get('redirect_uri') ?? '')
      for (const [name, value] of [
        ['code', code],
        ['state', url.searchParams.get('state') ?? ''],
        ['iss', issuer],
      ] as const)
        back.searchParams.set(name, value)
      response.writeHead(303, { location: back.href }).end()
    } else if (url.pathname === '/token') {
      let body = ''
      for await (const piece of request) body += String(piece)
      const code = new URLSearchParams(body).get('code') ?? ''
      const nonce = nonces.get(code)
      nonces.delete(code)
      last = randomUUID()
      json({ id_token: await signed({ sub: `person-${last}`, sid: last, nonce, role: 'staff' }, 'JWT') })
    } else if (url.pathname === '/jwks') json({ keys: [jwk] })
    else
      json({
        ...{ issuer, jwks_uri: `${issuer}/jwks`, authorization_endpoint: `${issuer}/authorize` },
        ...{ token_endpoint: `${issuer}/token`, id_token_signing_alg_values_supported: ['RS256'] },
        authorization_response_iss_parameter_supported: true,
      })
  }).listen(0, '127.0.0.1')
  await new Promise<void>((resolve) => server.once('listening', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    logoutToken: () =>
      signed(
        { sid: last, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
        'logout+jwt',
      ),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
