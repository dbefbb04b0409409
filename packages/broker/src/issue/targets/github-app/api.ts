import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** One question to GitHub's API. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  /** The app's JWT, or the token that is to be ended. */
  readonly bearer: string
  readonly body?: object
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** `undefined` when the body is not JSON. */
  readonly json: unknown
}

/** No answer that can be read. `sent`: the question may have arrived, and been acted on. */
export class Unanswered extends Error {
  readonly sent: boolean

  constructor(message: string, sent: boolean) {
    super(message)
    this.name = 'Unanswered'
    this.sent = sent
  }
}

/** From the first packet to the last. */
export const answerMs = 10_000
/** A token for 500 repositories is about 3 MB: GitHub describes each of them. */
const mostBytes = 8 * 1_048_576

/**
 * Asks once: no redirect, no retry, no kept connection (on one that GitHub just closed, nobody could tell whether the
 * question arrived). Throws `Unanswered`, whose message never repeats what was sent.
 */
export function ask(
  { method, url, bearer, body }: Ask,
  signal: AbortSignal,
  milliseconds = answerMs,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const place = new URL(url)
    const secure = place.protocol === 'https:'
    let sent = false
    let answered = false
    const fail = (why: string) => reject(new Unanswered(`${place.host} ${why}`, sent))
    const request = (secure ? httpsRequest : httpRequest)(place, {
      method,
      agent: false,
      signal,
      maxHeaderSize: 16_384,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${bearer}`,
        'user-agent': 'mayfly',
        'x-github-api-version': '2022-11-28',
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    })
    const timer = setTimeout(() => request.destroy(new Error('late')), milliseconds)
    request.on('socket', (socket) => socket.once(secure ? 'secureConnect' : 'connect', () => (sent = true)))
    request.on('response', (response) => {
      sent = true
      answered = true
      read(response).then(resolve, (thrown: unknown) => fail(whyOf(thrown)))
    })
    request.on('error', (thrown) => fail(whyOf(thrown)))
    request.on('close', () => {
      clearTimeout(timer)
      // An upgrade (101) closes the connection with neither an error nor a response.
      if (!answered) fail('closed the connection without an answer')
    })
    request.end(text)
  })
}

async function read(response: IncomingMessage): Promise<Answer> {
  try {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > mostBytes) throw new Error('large')
      chunks.push(chunk)
    }
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      json: jsonOf(Buffer.concat(chunks)),
    }
  } finally {
    response.destroy()
  }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/** In our own words: a message of Node's may quote a header, and with it the credential. */
function whyOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'failed'
  if (thrown.message === 'late') return 'did not answer in time'
  if (thrown.message === 'large') return 'answers with more than such an answer can hold'
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  return /^[A-Z0-9_]{1,60}$/.test(code) ? `cannot be reached (${code})` : 'broke off'
}
