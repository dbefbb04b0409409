import { isUtf8 } from 'node:buffer'
import { Failure } from '../../base/failure.ts'
import { type JsonObject, parseStrictObject } from '../../base/strict-json.ts'
import type { Asked } from '../answer.ts'

/** The JSON object in a body; an empty body is an empty object. Throws `request_malformed`. */
export function readJson({ headers, body }: Asked): JsonObject {
  if (body.length === 0) return {}
  if (headers['content-encoding'] !== undefined) throw malformed('The body must not be compressed.')
  if (!isUtf8(body)) throw malformed('The body is not UTF-8.')
  try {
    return parseStrictObject(body.toString('utf8'))
  } catch (thrown) {
    if (thrown instanceof TypeError)
      throw malformed(`The body is not a JSON object as we read it: ${thrown.message}.`)
    throw thrown
  }
}

/** A member that is text; `undefined` when it is absent or empty. Throws `request_malformed` for anything else. */
export function textOf(body: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  throw malformed(`${name} must be text.`)
}

/** What nobody reads might have been meant: a GET has no body. */
export function refuseBodyOfGet({ headers }: Pick<Asked, 'headers'>): void {
  if (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined)
    throw malformed('This request must not have a body.')
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
