/** The floor: node:http, one raw RS256 verification, one raw ES256 signature, the answer "ok". No checks, no store. */
import { createPublicKey, generateKeyPairSync, sign, verify, type webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { report } from '../child.ts'

const { jwk } = JSON.parse(process.argv[2] ?? '{}') as { jwk: webcrypto.JsonWebKey }
const key = createPublicKey({ key: jwk, format: 'jwk' })
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const claims = Buffer.from(
  JSON.stringify({ iss: 'floor', sub: 's'.repeat(60), aud: 'a'.repeat(30), pad: 'p'.repeat(300) }),
)

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString('latin1'))
    const token = form.get('subject_token') ?? ''
    const dot = token.lastIndexOf('.')
    const good = verify(
      'sha256',
      Buffer.from(token.slice(0, dot)),
      key,
      Buffer.from(token.slice(dot + 1), 'base64url'),
    )
    sign('sha256', claims, privateKey)
    response.writeHead(good ? 200 : 400, { 'Content-Type': 'application/json', 'Content-Length': 2 })
    response.end('ok')
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  report(`http://127.0.0.1:${port}/token`, async () => {
    server.closeAllConnections()
    server.close()
  })
})
