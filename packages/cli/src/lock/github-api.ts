/**
 * lock: names to ids, as GitHub has them. `github-api` asks, `account` and `repository` know what the answers mean,
 * `resolve` goes through the names of a policy, `report` says what came of it. Nothing here writes; the command does.
 */
import { secureUrl } from '@mayfly/client/endpoint'
import { UsageFault } from '../command.ts'

/** An answer that says what a name is. `undefined` stands for 404: GitHub does not show it to us. */
export type Json = Readonly<Record<string, unknown>>

/** Nothing can be said about any name now: no connection, no rate left, an answer that is none. */
export class GithubFault extends Error {
  override readonly name = 'GithubFault'
}

/** GitHub refuses to show this one thing. */
export class GithubRefused extends Error {
  override readonly name = 'GithubRefused'
}

export interface GithubApi {
  readonly hasToken: boolean
  /** GET below the API's URL; `segments` are put into the path as text, never as a path. */
  get(...segments: readonly string[]): Promise<Json | undefined>
}

export interface GithubApiOptions {
  readonly url: string
  readonly token: string | undefined
  /** For one answer, its body included. */
  readonly timeoutMilliseconds: number
}

const MOST_BYTES = 1_048_576
const MOST_REDIRECTS = 3

export function githubApi({ url, token, timeoutMilliseconds }: GithubApiOptions): GithubApi {
  const base = apiUrl(url)
  // `fetch` quotes a header that it refuses, and with it the token.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageFault('the token of GITHUB_TOKEN or GH_TOKEN holds blanks or characters that no token has')
  }
  const headers: Record<string, string> = {
    accept: 'application/vnd.github+json',
    'user-agent': 'mayfly-policy-lock',
    'x-github-api-version': '2022-11-28',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  /** Only inside of the API: another place would get the token, and could say what it likes. */
  const follow = (location: string | null, from: string): string => {
    const to = location ? URL.parse(location, from) : null
    if (to === null || !to.href.startsWith(`${base}/`) || to.username !== '' || to.password !== '')
      throw new GithubFault('GitHub redirects to a place outside of its API')
    return to.href
  }
  const get = async (...segments: readonly string[]): Promise<Json | undefined> => {
    let place = [base, ...segments.map(encodeURIComponent)].join('/')
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const answer = await ask(place, headers, timeoutMilliseconds)
      if (![301, 302, 307, 308].includes(answer.status)) return read(answer, token !== undefined)
      place = follow(answer.headers.get('location'), place)
    }
    throw new GithubFault('GitHub redirects too often')
  }
  return { hasToken: token !== undefined, get }
}

function apiUrl(text: string): string {
  let url: URL
  try {
    url = secureUrl(text, '--api')
  } catch (cause) {
    throw new UsageFault(cause instanceof Error ? cause.message : 'no URL', { cause })
  }
  if (url.search !== '' || url.hash !== '') throw new UsageFault('--api has a query or a fragment')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function ask(url: string, headers: Record<string, string>, timeout: number): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(timeout)
    const response = await fetch(url, { headers, redirect: 'manual', signal })
    return { status: response.status, headers: response.headers, text: await bounded(response) }
  } catch (thrown) {
    if (thrown instanceof GithubFault) throw thrown
    const { host } = new URL(url)
    // The message of `fetch` is not repeated: it may quote what was sent.
    if (thrown instanceof Error && thrown.name === 'TimeoutError')
      throw new GithubFault(`${host} did not answer within ${timeout / 1000} s`)
    throw new GithubFault(`${host} cannot be reached${codeOf(thrown)}`)
  }
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body ?? []) {
    size += part.length
    if (size > MOST_BYTES) throw new GithubFault('GitHub answers with more than such an answer can hold')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : ''
}

function read({ status, headers, text }: Answer, hasToken: boolean): Json | undefined {
  if (status === 404) return undefined
  if (status === 200) {
    const json = jsonOf(text)
    if (json === undefined) throw new GithubFault('GitHub answers with something that is not JSON')
    return json
  }
  if (status === 401)
    throw new GithubFault('GitHub does not accept the token (401): is it expired or revoked?')
  const limit = rateLimit(status, headers)
  if (limit !== undefined) {
    const more = hasToken ? '' : '; without a token there are 60 requests an hour: set GITHUB_TOKEN'
    throw new GithubFault(`GitHub's rate limit is reached (${status}); ${limit}${more}`)
  }
  if (status === 403 && headers.has('x-github-sso'))
    throw new GithubRefused(
      'GitHub refuses it (403): authorize the token for the organisation (single sign-on)',
    )
  if (status === 403 || status === 451)
    throw new GithubRefused(`GitHub refuses it (${status}): may the token read it?`)
  throw new GithubFault(`GitHub answers with status ${status}; try again later`)
}

/** When to try again, if this is the primary or the secondary rate limit. */
function rateLimit(status: number, headers: Headers): string | undefined {
  if (status !== 403 && status !== 429) return undefined
  const wait = /^[0-9]{1,9}$/.exec(headers.get('retry-after') ?? '')?.[0]
  if (wait !== undefined) return `try again in ${Number(wait)} s`
  const spent = headers.get('x-ratelimit-remaining') === '0'
  if (status === 403 && !spent) return undefined
  const reset = /^[0-9]{1,11}$/.exec(headers.get('x-ratelimit-reset') ?? '')?.[0]
  if (!spent || reset === undefined) return 'try again later'
  return `it ends at ${new Date(Number(reset) * 1000).toISOString().replace('.000Z', 'Z')}`
}

function jsonOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
