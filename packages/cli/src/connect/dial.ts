import { type IncomingMessage, request as plain } from 'node:http'
import { request as secure } from 'node:https'
import type { Duplex } from 'node:stream'

/** Bytes of a refusal that are read. */
const longest = 16_384
const answerMs = 10_000

/** The broker answered, and not with the switch. The message may be shown. */
export class DialRefused extends Error {
  override readonly name = 'DialRefused'
  readonly status: number

  constructor(status: number, told: string) {
    super(`the broker answered ${status}${told === '' ? '' : `: ${told}`}`)
    this.status = status
  }
}

/** Dials one broker as the connector `name`. Throws `DialRefused`, and the system's errors where nobody answers. */
export function dial(broker: string, name: string, token: string, signal: AbortSignal): Promise<Duplex> {
  const url = new URL(`${broker}/connect/${name}`)
  return new Promise((resolve, reject) => {
    const asking = (url.protocol === 'https:' ? secure : plain)(url, {
      agent: false,
      signal,
      timeout: answerMs,
      headers: { Authorization: `Bearer ${token}`, Connection: 'Upgrade', Upgrade: 'mayfly-connect' },
    })
    asking.once('timeout', () => asking.destroy(new Error('the broker does not answer')))
    asking.once('error', reject)
    asking.once('upgrade', (_answer: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => {})
      if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asking.once('response', (answer: IncomingMessage) => {
      refusalOf(answer).then(reject, reject)
    })
    asking.end()
  })
}

async function refusalOf(answer: IncomingMessage): Promise<DialRefused> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk
    if (text.length > longest) break
  }
  return new DialRefused(answer.statusCode ?? 0, toldIn(text))
}

function toldIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null) return ''
    const parts = ['error_description', 'error_id'].map((name) => new Map(Object.entries(body)).get(name))
    return parts.filter((part) => typeof part === 'string').join(' ')
  } catch {
    return ''
  }
}
