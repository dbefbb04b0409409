/** GitHub's REST API as far as `mayfly policy lock` asks it, as a real server on loopback, with the answers that GitHub documents. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'

export interface FakeAccount {
  id: number
  login: string
  type: 'User' | 'Organization' | 'Bot'
}

export interface FakeRepository {
  id: number
  full_name: string
  /** Names that it had: GitHub redirects them until somebody takes them. */
  formerly?: string[]
  /** Only this token sees it. */
  token?: string
}

/** Instead of the answer to a path; `undefined` leaves it to the server. */
export type Fault = (path: string, response: ServerResponse) => 'answered' | undefined

export interface GithubApiFake {
  readonly url: string
  readonly accounts: FakeAccount[]
  readonly repositories: FakeRepository[]
  /** Paths below the API's URL, as they came. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[]
  /** The most requests that were open at once. */
  mostAtOnce(): number
  fault: Fault
}

/** As api.github.com; with `base`, as an own server's `/api/v3`. */
export async function githubApiFor(t: TestContext, base = ''): Promise<GithubApiFake> {
  let [open, most] = [0, 0]
  const server = createServer((request, response) => {
    most = Math.max(most, ++open)
    response.on('close', () => open--)
    // A moment, so that requests that may overlap do.
    setImmediate(() => answer(request, response, fake, base))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const fake: GithubApiFake = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`,
    accounts: [
      { id: 9919, login: 'Acme', type: 'Organization' },
      { id: 583231, login: 'octo', type: 'User' },
      { id: 27347476, login: 'dependabot', type: 'Organization' },
      { id: 49699333, login: 'dependabot[bot]', type: 'Bot' },
    ],
    repositories: [
      { id: 40211, full_name: 'Acme/shop' },
      { id: 40212, full_name: 'Acme/api' },
    ],
    requests: [],
    mostAtOnce: () => most,
    fault: () => undefined,
  }
  return fake
}

function answer(request: IncomingMessage, response: ServerResponse, fake: GithubApiFake, base: string): void {
  const { authorization } = request.headers
  const path = (request.url ?? '').slice(base.length)
  fake.requests.push({ path, authorization })
  response.setHeader('x-ratelimit-limit', '60').setHeader('x-ratelimit-remaining', '42')
  if (fake.fault(path, response) === 'answered') return
  const [kind = '', ...names] = path.slice(1).split('/').map(decodeURIComponent)
  const name = names.join('/').toLowerCase()
  const seen = fake.repositories.filter(
    ({ token }) => token === undefined || authorization === `Bearer ${token}`,
  )
  const found = find(kind, name, fake.accounts, seen)
  const former = seen.find(({ formerly }) => formerly?.includes(name))
  if (kind === 'repos' && found === undefined && former !== undefined) {
    const url = `${fake.url}/repositories/${former.id}`
    response.setHeader('location', url)
    sendJson(response, 301, { message: 'Moved Permanently', url, documentation_url: documentation })
  } else if (found === undefined) {
    sendJson(response, 404, { message: 'Not Found', documentation_url: documentation, status: '404' })
  } else sendJson(response, 200, { node_id: 'x', ...found, formerly: undefined, token: undefined })
}

function find(
  kind: string,
  name: string,
  accounts: readonly FakeAccount[],
  seen: readonly FakeRepository[],
): object | undefined {
  if (kind === 'users') return accounts.find(({ login }) => login.toLowerCase() === name)
  if (kind === 'user') return accounts.find(({ id }) => String(id) === name)
  if (kind === 'repositories') return seen.find(({ id }) => String(id) === name)
  return kind === 'repos' ? seen.find(({ full_name }) => full_name.toLowerCase() === name) : undefined
}

const documentation = 'https://docs.github.com/rest'

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}
