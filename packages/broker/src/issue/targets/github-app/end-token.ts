import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import { failureOf, type Github, refusalOf, seconds } from './github.ts'
import { messageOf } from './pauses.ts'

/** A token as revocation knows it. */
export interface MadeToken {
  readonly api: string
  readonly installation: number
  readonly token: string
  /** Seconds since 1970. */
  readonly madeAt: number
}

/** Ends a token at GitHub. Idempotent; throws `provider_unavailable` when it may still work. */
export type EndToken = (made: MadeToken) => Promise<void>

/** Not every server of GitHub's knows a token in its first seconds, so that `401` means nothing yet. */
const settling = 10
const remembered = 1000

export function openEndToken(github: Github): EndToken {
  // Whoever ends a token twice hears `401` the second time: what this process ended, it remembers by its hash.
  const ended = new Map<string, Promise<void>>()
  return async (made) => {
    const key = new Secret(made.token).fingerprint()
    const known = ended.get(key)
    if (known !== undefined) return await known
    const ending = end(github, made)
    ended.set(key, ending)
    for (const [oldest] of [...ended].slice(0, Math.max(0, ended.size - remembered))) ended.delete(oldest)
    try {
      await ending
    } catch (thrown) {
      ended.delete(key)
      throw thrown
    }
  }
}

async function end(github: Github, { api, installation, token, madeAt }: MadeToken): Promise<void> {
  const now = seconds(github.tools)
  const what = { method: 'DELETE', url: `${api}/installation/token`, bearer: token } as const
  // The jobs with tokens of this installation and we share one limit.
  const answer = await github.ask(`${api} ${installation}`, what).catch((thrown: unknown) => {
    throw failureOf(thrown)
  })
  if (answer.status === 204) return
  const { reason, retryAfter } = refusalOf(answer, 'the end of a token', now)
  const unknown = answer.status === 401 && /bad credentials/i.test(messageOf(answer))
  if (unknown && now >= madeAt + settling) return
  // Whatever else it says: the token may still work.
  throw new Failure('provider_unavailable', { reason, retryAfter })
}
