/** A JSON body that the policy wants to see before anything is forwarded. */
import type { IncomingMessage } from 'node:http'
import { Failure } from '../../../base/failure.ts'
import { parseStrictObject } from '../../../base/strict-json.ts'
import { valuesOf } from './fields.ts'

/** Larger ones are not looked into. */
const mostBytes = 1_048_576

/** The bytes as they came, to be forwarded as they are, and what they say. */
export interface JsonBody {
  readonly bytes: Buffer
  readonly json: unknown
}

/**
 * Reads it. Throws `request_malformed` for what is no plain JSON object (another type, compressed, a member that stands
 * twice), `request_too_large` beyond a megabyte.
 */
export async function readJsonBody(request: IncomingMessage): Promise<JsonBody> {
  const bytes = await readJsonBytes(request)
  try {
    return { bytes, json: parseStrictObject(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch (cause) {
    const why = cause instanceof TypeError ? cause.message : 'not UTF-8'
    throw new Failure('request_malformed', { detail: 'The body is not one JSON object.', reason: why, cause })
  }
}

/** The same before it is parsed. Throws as `readJsonBody` does. */
export async function readJsonBytes(request: IncomingMessage): Promise<Buffer> {
  const [type = ''] = valuesOf(request.rawHeaders, 'content-type')
  if (!/^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i.test(type))
    throw malformed('This request must have a body of type application/json.')
  if (valuesOf(request.rawHeaders, 'content-encoding').length > 0)
    throw malformed('The body of this request must not be encoded.')
  return await readBytes(request)
}

/** Any body as it came. Throws `request_too_large`. */
export async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  // Not destroyed where it is too much: its sender has to read why.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) throw new Failure('request_too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
