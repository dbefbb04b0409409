/**
 * What goes over the wire, as it goes: the demo stands between its parties as a load balancer would, passes every
 * message on unchanged, and keeps a copy to show.
 */
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request and its answer, whole. */
export interface Message {
  readonly from: string
  readonly to: string
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly status: number
  readonly answerHeaders: Readonly<Record<string, string>>
  readonly answer: string
}

/** Whose messages pass here. */
export interface Parties {
  readonly from: string
  readonly to: string
}

export interface Tap {
  /** Where to send what is meant for the other side. */
  readonly url: string
  /** Must be called before the first message. */
  connect(upstream: string): void
  close(): Promise<void>
}

export interface Wire {
  /** A place between two parties. */
  tap(parties: Parties): Promise<Tap>
  /** A request of our own, kept as well. */
  call(parties: Parties, url: string, init?: CallOptions): Promise<Message>
  /** What passed since the last `take`, by the time at which it began. */
  recent(): readonly Message[]
  /** The same, and the next time begins here. */
  take(): readonly Message[]
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
}

/** Notes that a message begins; the answer notes its end. */
type Begin = () => (message: Message) => Message

export function openWire(): Wire {
  let passed: { readonly position: number; readonly message: Message }[] = []
  let begun = 0
  const begin: Begin = () => {
    const position = begun++
    return (message) => {
      passed.push({ position, message })
      return message
    }
  }
  const recent = () => passed.toSorted((a, b) => a.position - b.position).map(({ message }) => message)
  return {
    tap: (parties) => openTap(parties, begin),
    call: async (parties, url, { headers = {} } = {}) => {
      const keep = begin()
      const response = await fetch(url, { headers, redirect: 'manual' })
      const { pathname, search } = new URL(url)
      return keep({
        ...parties,
        method: 'GET',
        path: pathname + search,
        headers,
        body: '',
        status: response.status,
        answerHeaders: Object.fromEntries(response.headers),
        answer: await response.text(),
      })
    },
    recent,
    take: () => {
      const taken = recent()
      passed = []
      return taken
    },
  }
}

async function openTap(parties: Parties, begin: Begin): Promise<Tap> {
  let upstream: string | undefined
  const server = createServer((request, response) => {
    const place = upstream
    if (place === undefined) {
      response.writeHead(503).end()
      return
    }
    const keep = begin()
    pass(place, request, response, (message) => keep({ ...parties, ...message })).catch(() =>
      response.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connect: (url) => {
      upstream = url
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Sends the request on, keeps both, and only then sends the answer back: whoever has it finds the message. */
async function pass(
  upstream: string,
  request: IncomingMessage,
  response: ServerResponse,
  keep: (message: Omit<Message, keyof Parties>) => void,
): Promise<void> {
  const body = await textOf(request)
  const { method = 'GET', url: path = '/', headers, rawHeaders } = request
  const answered = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = send(new URL(path, upstream), { method, headers: rawHeaders, agent: false }, resolve)
    outgoing.once('error', reject)
    outgoing.end(body)
  })
  const answer = await textOf(answered)
  const status = answered.statusCode ?? 502
  keep({ method, path, headers: flat(headers), body, status, answerHeaders: flat(answered.headers), answer })
  response.writeHead(status, answered.rawHeaders.filter(notFraming))
  response.end(answer)
}

/** `rawHeaders` alternates names and values; the answer's framing is made anew. */
function notFraming(_: string, position: number, raw: readonly string[]): boolean {
  return !/^(transfer-encoding|connection|keep-alive)$/i.test(raw[position - (position % 2)] ?? '')
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

function flat(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}
