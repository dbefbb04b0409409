/**
 * GitHub's API for Apps as a real server on loopback: it checks the app's JWT as GitHub documents it (signature, clock,
 * at most ten minutes), makes installation access tokens, honours them for contents, and ends them.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeApp {
  readonly id: number
  readonly privateKey: string
  readonly publicKey: KeyObject
}

export interface FakeInstallation {
  readonly id: number
  readonly app: number
  readonly owner: string
  /** Names without the owner. */
  readonly repositories: string[]
  readonly permissions: Record<string, string>
  suspended: boolean
}

export interface FakeToken {
  readonly token: string
  readonly installation: number
  readonly repositories: readonly string[]
  readonly permissions: Readonly<Record<string, string>>
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

export interface FakeRun {
  readonly status: 'queued' | 'in_progress' | 'completed'
  /** `id`: of the check run, as tokens name a job; the job's own id is another. */
  readonly jobs: readonly { readonly id: string; readonly status: 'queued' | 'in_progress' | 'completed' }[]
}

/** What comes instead of the answer; `cut`: the connection breaks, `hang`: nothing ever comes. */
export type Fault =
  | 'cut'
  | 'hang'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string }

export interface GithubAppFake {
  readonly url: string
  readonly apps: FakeApp[]
  readonly installations: FakeInstallation[]
  /** Tokens that were made and not ended. */
  readonly tokens: Map<string, FakeToken>
  /** Attempts of runs of Actions, by `owner/repo/run/attempt`. */
  readonly runs: Map<string, FakeRun>
  /** `METHOD /path`, as they came. */
  readonly asked: string[]
  /** Before GitHub does anything, or after it did it. */
  fault: (asked: string, moment: 'before' | 'after') => Fault | undefined | Promise<Fault | undefined>
  /** Changes the answer to a request for a token. */
  answer: (body: Record<string, unknown>) => unknown
  newApp(): FakeApp
  install(
    app: FakeApp,
    owner: string,
    repositories: string[],
    permissions: Record<string, string>,
  ): FakeInstallation
  works(token: string): boolean
  close(): void
}

const order = ['read', 'write', 'admin']
const documentation_url = 'https://docs.github.com/rest'

/** Starts it. `now`: its clock, milliseconds since 1970. */
export async function openGithubAppFake(now: () => number): Promise<GithubAppFake> {
  const server = createServer((request, response) => void serve(request, response, fake, now))
  server.listen(0, '127.0.0.1')
  server.unref()
  await once(server, 'listening')
  const fake: GithubAppFake = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    apps: [],
    installations: [],
    tokens: new Map(),
    runs: new Map(),
    asked: [],
    fault: () => undefined,
    answer: (body) => body,
    newApp() {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
      const app = { id: 1000 + fake.apps.length, privateKey: pem, publicKey }
      fake.apps.push(app)
      return app
    },
    install(app, owner, repositories, permissions) {
      const id = 50_000 + fake.installations.length
      const made = { id, app: app.id, owner, repositories, permissions, suspended: false }
      fake.installations.push(made)
      return made
    },
    works: (token) => isLive(fake.tokens.get(token), now),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return fake
}

type Result = readonly [status: number, body?: unknown]

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  fake: GithubAppFake,
  now: () => number,
): Promise<void> {
  response.sendDate = false
  response.setHeader('date', new Date(now()).toUTCString())
  response.setHeader('x-ratelimit-limit', '5000').setHeader('x-ratelimit-remaining', '4999')
  const { pathname, searchParams } = new URL(request.url ?? '/', fake.url)
  const asked = `${request.method} ${pathname}`
  fake.asked.push(asked)
  let text = ''
  for await (const chunk of request) text += String(chunk)
  const before = await fake.fault(asked, 'before')
  if (before !== undefined) return spoil(response, before)
  const credential = /^(?:bearer|token) (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const body: unknown = text === '' ? {} : JSON.parse(text)
  const [status, answer] = resultOf(asked, credential, body, fake, now, Number(searchParams.get('page') ?? 1))
  const after = await fake.fault(asked, 'after')
  if (after !== undefined) return spoil(response, after)
  if (answer === undefined) response.writeHead(status).end()
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function spoil(response: ServerResponse, fault: Fault): void {
  if (fault === 'cut') response.destroy()
  else if (fault !== 'hang') response.writeHead(fault.status, fault.headers ?? {}).end(fault.body)
}

function resultOf(
  asked: string,
  credential: string,
  body: unknown,
  fake: GithubAppFake,
  now: () => number,
  page: number,
): Result {
  const [, owner = '', name = ''] = /^GET \/repos\/([^/]+)\/([^/]+)\/installation$/.exec(asked) ?? []
  const id = /^POST \/app\/installations\/([0-9]+)\/access_tokens$/.exec(asked)?.[1]
  if (owner !== '' || id !== undefined) {
    const app = appOf(credential, fake, now)
    if ('message' in app) return [401, { ...app, documentation_url }]
    const mine = fake.installations.filter((each) => each.app === app.id)
    return id === undefined
      ? lookUp(mine, owner, name)
      : mint(
          mine.find((each) => String(each.id) === id),
          body,
          fake,
          now,
        )
  }
  const token = fake.tokens.get(credential)
  if (token === undefined || !isLive(token, now))
    return [401, { message: 'Bad credentials', documentation_url }]
  if (asked === 'DELETE /installation/token') {
    fake.tokens.delete(credential)
    return [204]
  }
  return actions(asked, token, fake, page) ?? contents(asked, token)
}

/** https://docs.github.com/apps: iat in the past, exp at most ten minutes ahead, RS256, iss = the app's id. */
function appOf(jwt: string, fake: GithubAppFake, now: () => number): FakeApp | { readonly message: string } {
  const [head = '', payload = '', signature = ''] = jwt.split('.')
  const read = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  let claims: Record<string, unknown>
  try {
    claims = read(payload)
    if (read(head)['alg'] !== 'RS256') throw new Error('alg')
  } catch {
    return { message: 'A JSON web token could not be decoded' }
  }
  const app = fake.apps.find((each) => String(each.id) === String(claims['iss']))
  if (app === undefined) return { message: 'Integration not found' }
  const signed = Buffer.from(`${head}.${payload}`)
  if (!verify('sha256', signed, app.publicKey, Buffer.from(signature, 'base64url')))
    return { message: 'A JSON web token could not be decoded' }
  const [iat, exp, seconds] = [Number(claims['iat']), Number(claims['exp']), Math.floor(now() / 1000)]
  if (!(iat <= seconds)) return { message: "'Issued at' claim ('iat') must be in the past" }
  if (!(exp > seconds)) return { message: "'Expiration time' claim ('exp') must be in the future" }
  if (!(exp <= seconds + 600)) return { message: "'Expiration time' claim ('exp') is too far in the future" }
  return app
}

function lookUp(mine: readonly FakeInstallation[], owner: string, name: string): Result {
  const found = mine.find(
    (each) => same(each.owner, owner) && each.repositories.some((repository) => same(repository, name)),
  )
  if (found === undefined) return [404, { message: 'Not Found', documentation_url }]
  const { id, app, permissions, suspended } = found
  const suspended_at = suspended ? '2026-01-01T00:00:00Z' : null
  const account = { login: found.owner, id: 7, type: 'Organization' }
  return [200, { id, app_id: app, account, permissions, repository_selection: 'selected', suspended_at }]
}

function mint(
  found: FakeInstallation | undefined,
  body: unknown,
  fake: GithubAppFake,
  now: () => number,
): Result {
  if (found === undefined) return [404, { message: 'Not Found', documentation_url }]
  if (found.suspended) return [403, { message: 'This installation has been suspended', documentation_url }]
  const asked = body as { repositories?: string[]; permissions?: Record<string, string> }
  const names = (asked.repositories ?? found.repositories).map((name) =>
    found.repositories.find((each) => same(each, name)),
  )
  const repositories = names.filter((name) => name !== undefined)
  const inaccessible =
    'There is at least one repository that does not exist or is not accessible to the parent installation.'
  if (repositories.length !== names.length) return [422, { message: inaccessible, documentation_url }]
  const permissions = asked.permissions ?? found.permissions
  for (const [name, access] of Object.entries(permissions))
    if (!covers(found.permissions[name], access))
      return [
        422,
        { message: 'The permissions requested are not granted to this installation.', documentation_url },
      ]
  const token = `ghs_${randomBytes(27).toString('base64url').replaceAll(/[-_]/g, 'x')}`
  const endsAt = Math.floor(now() / 1000) * 1000 + 3_600_000
  const full = repositories.map((name) => `${found.owner}/${name}`)
  const granted = { metadata: 'read', ...permissions }
  fake.tokens.set(token, { token, installation: found.id, repositories: full, permissions: granted, endsAt })
  const answer = {
    token,
    expires_at: new Date(endsAt).toISOString().replace('.000Z', 'Z'),
    permissions: granted,
    ...(asked.repositories === undefined
      ? { repository_selection: 'all' }
      : { repository_selection: 'selected', repositories: full.map((full_name, id) => ({ id, full_name })) }),
  }
  return [201, fake.answer(answer)]
}

/** https://docs.github.com/rest/actions: one attempt of a run, and its jobs, a hundred a page. */
function actions(asked: string, token: FakeToken, fake: GithubAppFake, page: number): Result | undefined {
  const path = /^GET \/repos\/([^/]+\/[^/]+)\/actions\/runs\/(\d+)\/attempts\/(\d+)(\/jobs)?$/.exec(asked)
  if (path === null) return undefined
  const [, repository = '', id = '', attempt = '', jobs] = path
  const run = fake.runs.get(`${repository}/${id}/${attempt}`)
  const mine = token.repositories.some((each) => same(each, repository))
  if (run === undefined || !mine) return [404, { message: 'Not Found', documentation_url }]
  if (!covers(token.permissions['actions'], 'read'))
    return [403, { message: 'Resource not accessible by integration', documentation_url }]
  if (jobs === undefined) return [200, { id: Number(id), run_attempt: Number(attempt), status: run.status }]
  const described = run.jobs.slice((page - 1) * 100, page * 100).map((job, i) => ({
    ...{ id: 29_000_000_000 + i, run_id: Number(id), status: job.status },
    check_run_url: `${fake.url}/repos/${repository}/check-runs/${job.id}`,
  }))
  return [200, { total_count: run.jobs.length, jobs: described }]
}

function contents(asked: string, token: FakeToken): Result {
  const [, method = '', repository = ''] = /^(\w+) \/repos\/([^/]+\/[^/]+)\/contents\//.exec(asked) ?? []
  if (!token.repositories.some((each) => same(each, repository)))
    return [404, { message: 'Not Found', documentation_url }]
  if (!covers(token.permissions['contents'], method === 'GET' ? 'read' : 'write'))
    return [403, { message: 'Resource not accessible by integration', documentation_url }]
  const content = Buffer.from('hello\n').toString('base64')
  return method === 'GET'
    ? [200, { type: 'file', encoding: 'base64', name: 'README.md', path: 'README.md', content }]
    : [200, { content: { path: 'README.md' } }]
}

function covers(has: string | undefined, wants: string): boolean {
  return has !== undefined && order.indexOf(wants) >= 0 && order.indexOf(wants) <= order.indexOf(has)
}

function isLive(token: FakeToken | undefined, now: () => number): boolean {
  return token !== undefined && now() < token.endsAt
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
