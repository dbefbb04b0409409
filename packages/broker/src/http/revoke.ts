/** `POST /revoke`, RFC 7009. Whoever holds a token may end it, which needs no further proof. */
import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import { type Answer, type Asked, noStore } from './answer.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'
import { readForm } from './form.ts'

/** 200 whether there was something to end or not (RFC 7009 2.2); the hint only ever hints (2.1), so it is not read. */
export async function answerRevocation(
  asked: Asked,
  parts: Pick<Doors, 'revoke' | 'tools'>,
): Promise<Answer> {
  try {
    const token = readForm(asked).get('token')
    if (token === undefined) throw new Failure('request_malformed', { detail: 'token is missing.' })
    await parts.revoke(new Secret(token))
    return { status: 200, headers: noStore, body: '{}' }
  } catch (thrown) {
    return refuse(thrown, parts.tools)
  }
}
