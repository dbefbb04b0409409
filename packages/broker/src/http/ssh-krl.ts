/** `GET /ssh/NAME/krl`: certificates that ended early, for `sshd` (`RevokedKeys`). Serials only, so it is public. */
import { Failure } from '../base/failure.ts'
import { type Answer, type Asked, json } from './answer.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'
import { holds } from './metadata.ts'

/** The list of one authority as OpenSSH's file. A host that has it already is answered 304. */
export async function answerKrl(
  asked: Asked,
  parts: Pick<Doors, 'sshRevocations' | 'tools'>,
): Promise<Answer> {
  try {
    const list = await parts.sshRevocations?.list(asked.name ?? '')
    if (list === undefined) return json(404, { error: 'not_found' })
    const tag = `"${list.tag}"`
    const headers = [
      'Content-Type',
      'application/octet-stream',
      // Kept, but asked about each time: an old list is a certificate that still works.
      'Cache-Control',
      'no-cache',
      'ETag',
      tag,
      'X-Content-Type-Options',
      'nosniff',
    ]
    return holds(asked.headers['if-none-match'], tag)
      ? { status: 304, headers, body: '' }
      : { status: 200, headers, body: list.bytes }
  } catch (thrown) {
    // Whatever keeps us from knowing is no list: hosts keep the one that they have.
    const failure =
      thrown instanceof Failure ? thrown : new Failure('provider_unavailable', { cause: thrown })
    return refuse(failure, parts.tools)
  }
}
