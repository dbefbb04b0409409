/** What callers say to a broker: plain requests, and answers as they came. */
import { Agent, request } from 'node:http'

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
  /** Members of the JSON body; none when it is something else. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface Said {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly agent?: Agent
}

const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`
const usual = new Agent({ keepAlive: true })

/** Closes the connections that requests without an agent of their own keep. */
export function letGo(): void {
  usual.destroy()
}

/** One request and its whole answer; rejects when the connection breaks before its end. */
export function ask(url: string, said: Said = {}): Promise<Answered> {
  const { method = said.body === undefined ? 'GET' : 'POST', headers = {}, agent = usual } = said
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers }, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: members(text) })
      })
    })
    sent.on('error', reject)
    sent.end(said.body)
  })
}

/** A form, as RFC 6749 sends it. */
export function askForm(
  url: string,
  form: Readonly<Record<string, string>>,
  said: Omit<Said, 'body'> = {},
): Promise<Answered> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...said.headers }
  return ask(url, { ...said, headers, body: new URLSearchParams(form).toString() })
}

/** Exchanges a subject token (RFC 8693) for one of `orders-api`, unless `more` asks for something else. */
export function exchange(
  url: string,
  token: string,
  more: Readonly<Record<string, string>> = {},
  agent?: Agent,
): Promise<Answered> {
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: tokenType('id_token'),
    ...('resource' in more ? {} : { audience: 'orders-api' }),
    ...more,
  }
  return askForm(`${url}/token`, form, agent === undefined ? {} : { agent })
}

/** Introspection by a resource server, or by whoever holds the token. */
export function introspect(
  url: string,
  token: string,
  by?: { readonly name: string; readonly secret: string },
): Promise<Answered> {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  const authorization =
    by === undefined ? `Bearer ${token}` : basic(`${by.name}:${encodeURIComponent(by.secret)}`)
  return askForm(`${url}/introspect`, { token }, { headers: { authorization } })
}

/** RFC 7009. */
export function revoke(url: string, token: string): Promise<Answered> {
  return askForm(`${url}/revoke`, { token })
}

/** A request with a bearer token, as jobs make them at a route. */
export function call(url: string, token: string | undefined, path = '/orders'): Promise<Answered> {
  return ask(url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
}

/** The access token of an answer. Throws, saying the answer's error, when it has none. */
export function accessToken(answer: Answered): string {
  const { access_token: token } = answer.body
  if (typeof token !== 'string') throw new Error(`no token: ${answer.status} ${answer.text}`)
  return token
}

function members(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
