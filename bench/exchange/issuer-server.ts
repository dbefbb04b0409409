import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Discovery and keys of the issuer whose tokens the benchmark presents. */
export async function startIssuer(): Promise<{ url: string; setKey(jwk: object): void; close(): void }> {
  let keys: object[] = []
  const server = createServer((request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const body = request.url?.endsWith('openid-configuration')
      ? { issuer: url, jwks_uri: `${url}/jwks`, id_token_signing_alg_values_supported: ['RS256'] }
      : { keys }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setKey: (jwk) => {
      keys = [jwk]
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
