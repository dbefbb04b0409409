import type { IncomingMessage } from 'node:http'

/** A whole body; `too_large` and read to its end; or `endless`, when the connection must go as well. */
export type Body = Buffer | 'too_large' | 'endless'

/** A body above the limit is still read up to here, so that its sender gets to read the answer. */
const patience = 1_048_576

const empty = Buffer.alloc(0)

/** Reads a body of at most `limit` bytes. Rejects when the caller goes away before its end. */
export function readBody(request: IncomingMessage, limit: number): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > patience) return Promise.resolve('endless')
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined
    let more: Buffer[] | undefined
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > patience) resolve('endless')
      else if (size > limit) more = undefined
      else if (first === undefined) first = chunk
      else if (more === undefined) more = [first, chunk]
      else more.push(chunk)
    })
    request.on('end', () => {
      if (size > limit) resolve('too_large')
      else resolve(more === undefined ? (first ?? empty) : Buffer.concat(more))
    })
    // Also when the caller goes away before the end of its request.
    request.on('error', reject)
  })
}
