/** The log's doors (RFC 6962 4). Heads and proofs hold hashes and are public; entries hold claims and are not. */
import type { Json } from '../base/canonical-json.ts'
import { Failure } from '../base/failure.ts'
import { type Answer, type Asked, json, plain } from './answer.ts'
import { isRight, readAuthorization } from './authorization.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'
import { type Form, parseForm } from './form.ts'

type Parts = Pick<Doors, 'audit' | 'record' | 'tools'>

const entriesAtOnce = 1000

/** The newest signed head as a C2SP checkpoint. */
export async function answerCheckpoint(_asked: Asked, parts: Parts): Promise<Answer> {
  try {
    const note = await parts.audit.checkpoint()
    if (note === undefined) return plain(404, 'text/plain; charset=utf-8', 'There is no checkpoint yet.\n')
    return plain(200, 'text/plain; charset=utf-8', note)
  } catch (thrown) {
    return refuse(thrown, parts.tools)
  }
}

/**
 * Entries from `from`, at most `limit` (RFC 6962 4.6): one line each, exactly the bytes that were hashed, so that
 * line `n` is entry `from + n` and its leaf hash is over the line without its end. Fewer lines than asked for are
 * no sign of the end; no line is.
 */
export async function answerEntries(asked: Asked, parts: Parts): Promise<Answer> {
  try {
    await checkReader(asked, parts)
    const query = parseForm(asked.query)
    const from = position(query, 'from', 0)
    const limit = position(query, 'limit', 256)
    if (limit < 1 || limit > entriesAtOnce) throw malformed(`limit must be 1 to ${entriesAtOnce}.`)
    const entries = await parts.audit.entries(from, limit)
    const lines = entries.map((entry) => `${Buffer.from(entry.bytes).toString('utf8')}\n`)
    return plain(200, 'application/x-ndjson', lines.join(''))
  } catch (thrown) {
    return refuse(thrown, parts.tools, { scheme: 'Bearer' })
  }
}

/** RFC 6962 4.5: entry `index` is in the tree of `size` entries. */
export function answerInclusion(asked: Asked, parts: Parts): Promise<Answer> {
  return proof(asked, parts, async (query) => {
    const index = position(query, 'index')
    const size = position(query, 'size')
    if (index >= size) throw malformed('index must be less than size.')
    const path = await parts.audit.inclusion(index, size)
    return { leaf_index: index, tree_size: size, audit_path: path.map(base64) }
  })
}

/** RFC 6962 4.4: the tree of `second` entries begins with the tree of `first` entries. */
export function answerConsistency(asked: Asked, parts: Parts): Promise<Answer> {
  return proof(asked, parts, async (query) => {
    const first = position(query, 'first')
    const second = position(query, 'second')
    if (first > second) throw malformed('first must not be greater than second.')
    const path = await parts.audit.consistency(first, second)
    return { first, second, consistency: path.map(base64) }
  })
}

async function proof(asked: Asked, parts: Parts, prove: (query: Form) => Promise<Json>): Promise<Answer> {
  try {
    return json(200, await prove(parseForm(asked.query)))
  } catch (thrown) {
    return refuse(thrown, parts.tools)
  }
}

async function checkReader(asked: Asked, { audit, record }: Parts): Promise<void> {
  const authorization = readAuthorization(asked.headers.authorization)
  const given = authorization?.scheme === 'Bearer' ? [authorization.token] : []
  if (isRight(audit.reader, given)) return
  const reason = given.length === 0 ? 'no bearer secret' : 'a wrong secret'
  const failure = new Failure('client_rejected', { reason })
  throw failure.recorded(await record({ type: 'audit.refused', code: failure.code, reason }))
}

/** A position in the log, in the one way that a number can be written. */
function position(query: Form, name: string, otherwise?: number): number {
  const text = query.get(name)
  if (text === undefined && otherwise !== undefined) return otherwise
  const value = /^(0|[1-9][0-9]{0,15})$/.test(text ?? '') ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw malformed(`${name} must be a whole number.`)
  return value
}

function base64(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64')
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
