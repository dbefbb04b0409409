/** A whole broker with one HTTP route over TLS, and a token for it. */
import { appendFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { selfSigned } from './certificate.ts'
import { githubFor } from './github.ts'
import { serverOnLoopback } from './on-loopback.ts'
import { accessToken, exchange } from './requests.ts'
import { runBroker } from './running-broker.ts'
import { makeSite } from './site.ts'

export interface SecureRoute {
  readonly url: string
  /** Its certificate, PEM. */
  readonly cert: string
  /** A new token for it. */
  readonly token: () => Promise<string>
  /** Ends the broker; resolves to its log's place. */
  readonly close: () => Promise<void>
  readonly config: string
}

/** `more`: settings of the route, as YAML within braces. `policy`: absent, that of `examples/startup`. */
export async function secureRoute(
  t: TestContext,
  answer: RequestListener,
  { more = '', policy, environment = 'production' }: { more?: string; policy?: string; environment?: string },
): Promise<SecureRoute> {
  const { cert, key } = selfSigned('127.0.0.1')
  const { url: upstream } = await serverOnLoopback(t, answer)
  const github = await githubFor(t)
  const issuers = { github: github.issuer }
  const site = await makeSite(t, policy === undefined ? { issuers } : { issuers, policy })
  writeFileSync(join(site.folder, 'route.pem'), cert)
  writeFileSync(join(site.folder, 'route.key'), key)
  const tls = `tls: { certificate: { file: ./route.pem }, key: { file: ./route.key } }${more}`
  appendFileSync(
    site.config,
    `routes: [{ kind: http, name: api, listen: "127.0.0.1:0", target: orders-api, upstream: "${upstream}", ${tls} }]\n`,
  )
  const broker = await runBroker(t, site.config)
  const url = broker.routes.find(({ name }) => name === 'api')?.url ?? ''
  const token = async () =>
    accessToken(
      await exchange(broker.url, github.idToken({ ...pushJob(environment), aud: site.url }), {
        audience: 'orders-api',
      }),
    )
  return { url, cert, token, close: () => broker.close(), config: site.config }
}
