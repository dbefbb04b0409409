/** What a lease made at GitHub or AWS is put into requests by the route: the job has a token of ours and nothing else. */
import assert from 'node:assert/strict'
import { createHash, createHmac, createPublicKey, type Hmac } from 'node:crypto'
import { appendFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Octokit } from '@octokit/rest'
import { SignatureV4 } from '@smithy/signature-v4'
import { pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import { atEnd } from '../fakes/at-end.ts'
import { stsFor } from '../fakes/aws-sts.ts'
import { exportedLog } from '../fakes/exported-log.ts'
import { githubFor } from '../fakes/github.ts'
import { openGithubAppFake } from '../fakes/github-app.ts'
import { onLoopback } from '../fakes/on-loopback.ts'
import { ask, exchange } from '../fakes/requests.ts'
import { runBroker } from '../fakes/running-broker.ts'
import { makeSite } from '../fakes/site.ts'

const head = `version: 1
issuers: { github: { owners: [acme] } }
targets:
  orders-api: { tier: staging, access: read, token: { audience: "https://orders.acme.example" } }
  orders-api-staging: { tier: staging, access: read, token: { audience: "https://orders.staging.acme.example" } }
`
const grants = (name: string) => `grants:
  - { name: shop, who: { repo: acme/shop, branch: main, environment: staging }, get: [${name}, orders-api, orders-api-staging], for: 10m }
`

test('an API of GitHub is used through the route with a token that the job never sees', async (t) => {
  const api = await openGithubAppFake(Date.now)
  atEnd(t, () => api.close())
  const app = api.newApp()
  api.install(app, 'acme', ['docs', 'shop'], { contents: 'write', issues: 'write', metadata: 'read' })
  const github = await githubFor(t)
  const policy = `${head}  bot: { tier: shared, max: 20m, github_app: { app: acme-bot, repos: [acme/docs], permissions: { contents: read }, audience: "https://github.acme.example" } }
${grants('bot')}`
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  writeFileSync(join(site.folder, 'app.pem'), app.privateKey)
  appendFileSync(
    site.config,
    `connections: { github_app: { acme-bot: { app_id: "${app.id}", private_key: { file: ./app.pem }, api: "${api.url}", dangerously_allow_http: true } } }
routes: [{ kind: http, name: github, listen: "127.0.0.1:0", upstream: "${new URL(api.url).origin}", target: bot, inject: { github_app: true } }]
`,
  )
  const broker = await runBroker(t, site.config)
  const url = broker.routes[0]?.url ?? ''
  const job = github.job(pushJob('staging'))
  const { body } = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'bot' })
  const token = String(body['access_token'])
  const [secret = ''] = [...api.tokens.keys()]
  assert.ok(secret.length > 8 && !JSON.stringify(body).includes(secret), 'it is in no answer')
  const read = async (repo: string, auth = token) => {
    const quiet = { debug() {}, info() {}, warn() {}, error() {} }
    const octokit = new Octokit({
      auth,
      baseUrl: url + new URL(api.url).pathname.replace(/\/$/, ''),
      log: quiet,
    })
    // Octokit says `token` for what is no JWT; the proxy takes bearers.
    octokit.hook.before('request', (options) => {
      options.headers.authorization = `Bearer ${auth}`
    })
    const answer = await octokit.rest.repos
      .getContent({ owner: 'acme', repo, path: 'README.md' })
      .catch((thrown: unknown) => ({ status: (thrown as { status?: number }).status }))
    return answer.status
  }
  assert.equal(await read('docs'), 200)
  assert.notEqual(await read('shop'), 200, 'the permissions of the token hold at GitHub')
  assert.equal(await read('docs', secret), 401, 'its own token opens nothing here')
  assert.ok(
    (await github.completeJob(job, `${broker.url}/webhooks/github`, site.secrets['webhook-secret'])).ok,
  )
  assert.equal(await read('docs'), 401)
  assert.equal(api.tokens.size, 0, 'ended at GitHub as well')
  assert.ok(!(await exportedLog(site.config)).text.includes(secret))
})

interface Jwk {
  readonly kid: string
  readonly kty: string
}

class Sha256 {
  readonly #hash = createHash('sha256')
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

/** An upstream that lets in what AWS's own signer would have signed in the same way. */
async function signedUpstream(
  t: TestContext,
  service: string,
  keysOf: (id: string) => { secret: string; session: string } | undefined,
) {
  const seen: { line: string; headers: IncomingMessage['headers']; body: string }[] = []
  const url = await onLoopback(t, async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece)
    const body = Buffer.concat(pieces)
    const { authorization = '' } = request.headers
    const [, id = '', names = '', signature = ''] =
      /Credential=([^/]+)\/.*SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(authorization) ?? []
    const keys = keysOf(id)
    const at = new URL(request.url ?? '/', `http://${request.headers.host}`)
    const value = (name: string) => String(request.headers[name] ?? '')
    const hash = value('x-amz-content-sha256')
    const isBody =
      hash === 'UNSIGNED-PAYLOAD' ||
      hash === unsignedChunks ||
      hash === createHash('sha256').update(body).digest('hex')
    const signer = new SignatureV4({
      service,
      region: 'eu-central-1',
      uriEscapePath: service !== 's3',
      applyChecksum: false,
      sha256: hasherOf,
      credentials: {
        accessKeyId: id,
        secretAccessKey: keys?.secret ?? '',
        sessionToken: keys?.session ?? '',
      },
    })
    const date = value('x-amz-date').replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    )
    const query: Record<string, string | string[]> = {}
    for (const name of new Set(at.searchParams.keys())) {
      const all = at.searchParams.getAll(name)
      query[name] = all.length === 1 ? (all[0] ?? '') : all
    }
    const expected = await signer.sign(
      {
        method: request.method ?? 'GET',
        protocol: 'http:',
        hostname: at.hostname,
        path: at.pathname,
        query,
        headers: Object.fromEntries(names.split(';').map((name) => [name, value(name)])),
        ...(hash === 'UNSIGNED-PAYLOAD' ? {} : { body }),
      },
      { signingDate: new Date(date), signableHeaders: new Set(names.split(';')) },
    )
    const isGood =
      keys !== undefined && isBody && String(expected.headers['authorization']).endsWith(signature)
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: body.toString() })
    response.statusCode = isGood ? 200 : 403
    response.end(isGood ? 'ok' : JSON.stringify(expected.headers))
  })
  return { url, seen }
}

const unsignedChunks = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

const hasherOf = class extends Sha256 {
  readonly #mac: Hmac | undefined
  constructor(secret?: unknown) {
    super()
    this.#mac = secret === undefined ? undefined : createHmac('sha256', secret as string)
  }
  override update(data: string | Uint8Array): void {
    if (this.#mac === undefined) super.update(data)
    else this.#mac.update(data)
  }
  override async digest(): Promise<Uint8Array> {
    return this.#mac === undefined ? await super.digest() : this.#mac.digest()
  }
}

async function awsStage(t: TestContext, service: string) {
  const github = await githubFor(t)
  const policy = `${head}  deploy: { tier: staging, access: admin, max: 30m, aws_role: { role: "arn:aws:iam::111122223333:role/deploy", audience: "https://aws.acme.example" } }
${grants('deploy')}`
  const site = await makeSite(t, { issuers: { github: github.issuer }, policy })
  const published = new Map<string, Jwk>()
  const sts = await stsFor(t, {
    now: Date.now,
    region: 'eu-central-1',
    roles: ['arn:aws:iam::111122223333:role/deploy'],
    provider: {
      issuer: site.url,
      key: (kid) => {
        const jwk = published.get(kid)
        return jwk === undefined ? undefined : createPublicKey({ key: { ...jwk }, format: 'jwk' })
      },
    },
  })
  const upstream = await signedUpstream(t, service, (id) => sts.keysOf(id))
  appendFileSync(
    site.config,
    `connections: { aws: { main: { mode: web_identity, region: eu-central-1, sts: "${sts.url}" } } }
routes: [{ kind: http, name: aws, listen: "127.0.0.1:0", upstream: "${upstream.url}", target: deploy, inject: { aws_sigv4: { service: ${service} } } }]
`,
  )
  const broker = await runBroker(t, site.config)
  const { body } = await ask(`${broker.url}/.well-known/jwks.json`)
  for (const key of body['keys'] as readonly Jwk[]) published.set(key.kid, key)
  const job = github.job(pushJob('staging'))
  const answer = await exchange(broker.url, github.idTokenOf(job, site.url), { audience: 'deploy' })
  assert.equal(answer.status, 200, answer.text)
  assert.doesNotMatch(answer.text, /ASIA|session_token|secret_access_key/, 'no key is handed over')
  const url = broker.routes[0]?.url ?? ''
  const token = String(answer.body['access_token'])
  const say = (
    path: string,
    method = 'GET',
    payload?: string,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    ask(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(payload === undefined ? {} : { body: payload }),
    })
  return { ...upstream, say, site, broker, token }
}

for (const service of ['execute-api', 's3'])
  test(`requests to ${service} are signed with keys of the lease, whatever they hold`, async (t) => {
    const { say, seen, token, site, broker } = await awsStage(t, service)
    for (const [path, method, payload] of [
      ['/orders', 'GET'],
      ['/orders/a%20b/c~d', 'GET'],
      ['/orders?b=2&a=1&a=0&empty=&sp=%20x', 'GET'],
      ['/orders', 'POST', '{"a":1}'],
      ['/orders/1', 'PUT', 'text'],
      ['/orders/1', 'DELETE'],
    ] as const) {
      const answer = await say(path, method, payload)
      assert.equal(answer.status, 200, `${method} ${path} ${answer.text}`)
    }
    const forged = {
      'x-amz-date': '20200101T000000Z',
      'x-amz-security-token': 'forged',
      'x-amz-content-sha256': 'forged',
      'x-amz-target': 'Orders.List',
    }
    assert.equal((await say('/orders', 'GET', undefined, forged)).status, 200)
    assert.equal(seen.at(-1)?.headers['x-amz-target'], 'Orders.List')
    assert.match(String(seen.at(-1)?.headers.authorization), /SignedHeaders=host;[^,]*x-amz-target/)
    assert.doesNotMatch(JSON.stringify(seen.at(-1)), /forged/)
    assert.doesNotMatch(JSON.stringify(seen), new RegExp(token.slice(-30)))
    const chunked = (announced: string) =>
      say('/orders/1', 'PUT', '2\r\nhi\r\n0\r\nx-amz-checksum-crc32:2PnYBw==\r\n\r\n', {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': announced,
        'x-amz-decoded-content-length': '2',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      })
    assert.equal((await chunked(unsignedChunks)).status, service === 's3' ? 200 : 400)
    if (service === 's3') assert.equal(seen.at(-1)?.headers['x-amz-content-sha256'], unsignedChunks)
    const before = seen.length
    const signedChunks = await chunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
    assert.equal(signedChunks.status, 400)
    assert.match(signedChunks.text, /cannot be signed anew/)
    assert.equal((await say('/orders?name=%ff')).status, 400, 'nobody could sign that')
    assert.equal(seen.length, before)
    const [{ headers } = { headers: {} as IncomingMessage['headers'] }] = seen
    await broker.close()
    const { text } = await exportedLog(site.config)
    assert.ok(!text.includes(String(headers['x-amz-security-token'])))
  })

test('a route and its target have to be of one kind', async (t) => {
  const github = await githubFor(t)
  for (const [inject, words] of [
    ['{ github_app: true }', /of kind `token`; it needs one of `github_app`/],
    ['{ aws_sigv4: { service: s3 } }', /of kind `token`; it needs one of `aws_role`/],
  ] as const) {
    const site = await makeSite(t, { issuers: { github: github.issuer } })
    appendFileSync(
      site.config,
      `routes: [{ kind: http, name: api, listen: "127.0.0.1:0", upstream: "http://127.0.0.1:1", target: orders-api, inject: ${inject} }]\n`,
    )
    await assert.rejects(runBroker(t, site.config), words)
  }
})
