/**
 * The container credentials endpoint of AWS's SDKs, on loopback: they ask it whenever what they have is about to end, so
 * a job of hours goes on with keys of minutes. Only whoever has the token is answered.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Keys as AWS's SDKs read them. */
export interface AwsKeys {
  readonly AccessKeyId: string
  readonly SecretAccessKey: string
  readonly Token: string
  /** ISO 8601. */
  readonly Expiration: string
}

export interface AwsEndpoint {
  /** Variables by which an SDK finds it. */
  readonly variables: Readonly<Record<string, string>>
  close(): void
}

/** The parts of an `aws_role` credential in the SDKs' words. */
export function awsKeys(parts: Readonly<Record<string, string>>): AwsKeys {
  const part = (name: string) => parts[name] ?? ''
  return {
    AccessKeyId: part('access_key_id'),
    SecretAccessKey: part('secret_access_key'),
    Token: part('session_token'),
    Expiration: part('expiration'),
  }
}

/** Serves what `keys` answers. A failure of it is a 500, which SDKs try again while their keys still work. */
export async function openAwsEndpoint(keys: () => Promise<AwsKeys>): Promise<AwsEndpoint> {
  const secret = randomBytes(32).toString('base64url')
  const server = createServer((request, response) => {
    const status = statusOf(request, secret)
    if (status !== 200) return void response.writeHead(status).end()
    keys().then(
      (found) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found)),
      () => response.writeHead(500).end(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const { port } = server.address() as AddressInfo
  return {
    variables: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: secret,
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A page that a browser was led to has another Host, and nobody else has the token. */
function statusOf({ method, url, headers }: IncomingMessage, secret: string): number {
  if (!/^127\.0\.0\.1(:[0-9]+)?$/.test(headers.host ?? '')) return 403
  const [given, wanted] = [Buffer.from(headers.authorization ?? ''), Buffer.from(secret)]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 401
  return method === 'GET' && url === '/credentials' ? 200 : 404
}
