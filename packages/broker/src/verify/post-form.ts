import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { checkUrl, documentLimits, pinned, type Reach } from './fetch-document.ts'

export interface PostAnswer {
  readonly status: number
  readonly text: string
}

/** Sends a form to a configured issuer, guarded as reading its documents is: no redirects, no inward addresses, little time. */
export function postForm(
  url: URL,
  reach: Reach,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    checkUrl(url, reach)
    let answered = false
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest
    const sent = {
      ...{ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      ...{ 'content-length': String(Buffer.byteLength(body)), ...headers },
    }
    const options = {
      method: 'POST',
      agent: false,
      headers: sent,
      lookup: pinned(reach),
      maxHeaderSize: 16_384,
    }
    const request = open(url, options, (response) => {
      answered = true
      read(response).then(resolve, reject)
    })
    const timer = setTimeout(() => request.destroy(new Error('took too long')), documentLimits.milliseconds)
    request.on('error', reject)
    request.on('close', () => {
      clearTimeout(timer)
      if (!answered) reject(new Error('closed without an answer'))
    })
    request.end(body)
  })
}

async function read(response: IncomingMessage): Promise<PostAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > documentLimits.bytes) throw new Error('larger than any such answer')
      chunks.push(chunk)
    }
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }
  } finally {
    response.destroy()
  }
}
