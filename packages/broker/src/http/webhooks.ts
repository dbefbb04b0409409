/** `POST /webhooks/github`: a job ended. The signature is checked behind the door, over the bytes as they came. */
import { Failure } from '../base/failure.ts'
import { type Answer, type Asked, noStore } from './answer.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'

/** 202 once what follows from the delivery is written down; GitHub repeats nothing by itself. */
export async function answerGithubWebhook(
  asked: Asked,
  parts: Pick<Doors, 'githubWebhook' | 'tools'>,
): Promise<Answer> {
  try {
    if (!/^application\/json[ \t]*(;|$)/i.test(asked.headers['content-type'] ?? '')) {
      throw new Failure('request_malformed', { detail: 'Choose application/json as content type.' })
    }
    await parts.githubWebhook?.({
      signature: one(asked, 'x-hub-signature-256'),
      event: one(asked, 'x-github-event'),
      id: one(asked, 'x-github-delivery'),
      body: asked.body,
    })
    return { status: 202, headers: noStore, body: '{}' }
  } catch (thrown) {
    return refuse(thrown, parts.tools)
  }
}

function one(asked: Asked, name: string): string {
  const value = asked.headers[name]
  return typeof value === 'string' && value.length <= 200 ? value : ''
}
