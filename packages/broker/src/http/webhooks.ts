/** `POST /webhooks/github`: a job ended. The signature is checked behind the door, over the bytes as they came. */
import { Failure } from '../base/failure.ts'
import { type Answer, type Asked, noStore } from './answer.ts'
import { patience } from './body.ts'
import type { Doors } from './doors.ts'
import { refuse } from './errors.ts'

type Parts = Pick<Doors, 'githubWebhook' | 'tools'>

/**
 * What no delivery of GitHub looks like is refused before its body is read: anybody may send half a megabyte here.
 * What is not signed at all still goes on, without a body, to be recorded.
 */
export async function refuseUnread(
  headers: Asked['headers'],
  limit: number,
  parts: Parts,
): Promise<Answer | undefined> {
  try {
    if (!/^application\/json[ \t]*(;|$)/i.test(headers['content-type'] ?? '')) {
      throw new Failure('request_malformed', { detail: 'Choose application/json as content type.' })
    }
    const length = headers['content-length']
    if (length === undefined) {
      throw new Failure('request_malformed', { detail: 'Content-Length is missing.' })
    }
    if (Number(length) > limit) throw new Failure('request_too_large')
    const signature = one(headers, 'x-hub-signature-256')
    if (/^sha256=[0-9a-f]{64}$/.test(signature)) return undefined
    await parts.githubWebhook?.({ ...named(headers), signature, body: nothing })
    throw new Failure('client_rejected')
  } catch (thrown) {
    const answer = refuse(thrown, parts.tools)
    const small = Number(headers['content-length'] ?? Number.NaN) <= patience
    return small ? answer : { ...answer, headers: [...answer.headers, 'Connection', 'close'] }
  }
}

/** 202 once what follows from the delivery is written down; GitHub repeats nothing by itself. */
export async function answerGithubWebhook(asked: Asked, parts: Parts): Promise<Answer> {
  try {
    await parts.githubWebhook?.({
      ...named(asked.headers),
      signature: one(asked.headers, 'x-hub-signature-256'),
      body: asked.body,
    })
    return { status: 202, headers: noStore, body: '{}' }
  } catch (thrown) {
    return refuse(thrown, parts.tools)
  }
}

const nothing = new Uint8Array()

function named(headers: Asked['headers']): { readonly event: string; readonly id: string } {
  return { event: one(headers, 'x-github-event'), id: one(headers, 'x-github-delivery') }
}

function one(headers: Asked['headers'], name: string): string {
  const value = headers[name]
  return typeof value === 'string' && value.length <= 200 ? value : ''
}
