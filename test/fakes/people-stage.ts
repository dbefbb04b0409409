/** A broker with a route that people come to, a real provider, and an application behind it. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from './free-port.ts'
import { githubFor } from './github.ts'
import { serverOnLoopback } from './on-loopback.ts'
import { openIdProvider } from './openid-provider.ts'
import { runBroker } from './running-broker.ts'
import { makeSite } from './site.ts'

const policy = `version: 1
issuers:
  github: { owners: [acme] }
  people: { kind: oidc, claims: [email, role] }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
  console:
    tier: staging
    token: { audience: "https://console.acme.example", scopes: { read: { access: read, requests: ["GET /**"] }, change: { access: write, requests: ["POST /orders"] } } }
grants:
  - { name: guests look, issuer: people, who: { role: [guest, admin] }, get: { target: console, scopes: [read] }, for: 30m }
  - { name: admins change, issuer: people, who: { role: admin }, get: { target: console, scopes: [change] }, for: 30m }
deny:
  - { name: not him, issuer: people, who: { email: mallory@acme.example } }
`

interface Options {
  /** In place of the usual one. */
  readonly policy?: string
  /** People are sent to this provider, which is no part of the policy. */
  readonly by?: string
}

export async function peopleStage(t: TestContext, options: Options = {}) {
  const reached: { line: string; cookie: string | undefined; subject: string | undefined }[] = []
  const { url: upstream } = await serverOnLoopback(t, (request, response) => {
    const { cookie, 'x-mayfly-subject': subject } = request.headers
    reached.push({ line: `${request.method} ${request.url}`, cookie, subject: String(subject) })
    request.resume()
    response.setHeader('set-cookie', ['theme=dark', '__Host-mayfly=forged; Path=/; Secure'])
    response.setHeader('content-type', 'text/html')
    if (request.url === '/cached') response.setHeader('cache-control', 'max-age=3600')
    response.end(
      `<!doctype html><title>Console</title><p id="who">${decodeURIComponent(String(subject))}</p>`,
    )
  })
  const github = await githubFor(t)
  const origin = `http://localhost:${await freePort()}`
  const provider = await openIdProvider(t, origin)
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy: options.policy ?? policy })
  writeFileSync(join(site.folder, 'client-secret'), provider.clientSecret)
  const issuer = `  people: { preset: oidc, issuer: "${provider.issuer}", dangerously_allow_http: true }\n`
  const other =
    options.by === undefined
      ? ''
      : `  other: { preset: oidc, issuer: "${options.by}", dangerously_allow_http: true }\n`
  const by = options.by === undefined ? 'people' : 'other'
  const signIn = `{ issuer: ${by}, url: "${origin}", client_id: ${provider.clientId}, client_secret: { file: ./client-secret }, scopes: [email] }`
  const route = `routes: [{ kind: http, name: console, listen: "127.0.0.1:${new URL(origin).port}", target: console, upstream: "${upstream}", sign_in: ${signIn} }]\n`
  const { readFileSync } = await import('node:fs')
  writeFileSync(
    site.config,
    readFileSync(site.config, 'utf8').replace('issuers:\n', `issuers:\n${issuer}${other}`),
  )
  appendFileSync(site.config, route)
  const broker = await runBroker(t, site.config)
  return { site, broker, origin, provider, reached, github }
}
