/** Asks whoever approves calls, by a webhook of the operator's: again and again, until there is an answer. */
import { createHmac } from 'node:crypto'
import type { Secret } from './base/secret.ts'
import type { Tools } from './base/tools.ts'
import { ask, member, type Reply } from './issue/ask.ts'
import type { Approval, AskApproval } from './route/approvals.ts'

export interface ApproverSettings {
  readonly url: string
  /** Signs what we send. */
  readonly secret: Secret
  /** Seconds in all. */
  readonly timeout: number
}

/** One question may be held as long as this. */
const questionMs = 30_000
const longestPauseMs = 10_000

/**
 * The same question each time, by its id. 200 with `{ id, approved }` decides, 202 means not yet, what passes by itself
 * is tried again; every other answer is a no.
 */
export function openApprover({ url, secret, timeout }: ApproverSettings, tools: Tools): AskApproval {
  return async (held, signal) => {
    const until = tools.now() + timeout * 1000
    const body = JSON.stringify({ ...held, until: Math.floor(until / 1000) })
    const signature = createHmac('sha256', secret.reveal()).update(body).digest('hex')
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': held.id,
      'x-mayfly-signature-256': `sha256=${signature}`,
    }
    for (let turn = 0; ; turn++) {
      const left = until - tools.now()
      if (signal.aborted) return { approved: false, reason: 'the caller left' }
      if (left <= 0) return { approved: false, reason: 'nobody answered in time' }
      const milliseconds = Math.min(questionMs, left)
      const reply = await ask({
        who: 'the approver',
        url,
        method: 'POST',
        headers,
        body,
        milliseconds,
        signal,
      }).catch(() => undefined)
      const said = reply === undefined ? undefined : answerIn(reply, held.id)
      if (said !== undefined) return said
      const pause = reply?.retryAfter === undefined ? 1000 * 2 ** Math.min(turn, 4) : reply.retryAfter * 1000
      await paused(tools, Math.min(pause, longestPauseMs, Math.max(0, until - tools.now())), signal)
    }
  }
}

/** `undefined`: none yet. */
function answerIn({ status, json }: Reply, id: string): Approval | undefined {
  if (status === 202 || status === 429 || status >= 500) return undefined
  if (status !== 200) return { approved: false, reason: `the approver answers ${status}` }
  const approved = member(json, 'approved')
  if (member(json, 'id') !== id || typeof approved !== 'boolean')
    return { approved: false, reason: 'the approver gives an answer that is none' }
  return { approved, ...words(json, 'by'), ...words(json, 'reason') }
}

function words<Name extends 'by' | 'reason'>(json: unknown, name: Name): { readonly [N in Name]?: string } {
  const value = member(json, name)
  const found: { [N in Name]?: string } = {}
  if (typeof value === 'string') found[name] = value.slice(0, 200)
  return found
}

function paused(tools: Pick<Tools, 'after'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      cancel()
      signal.removeEventListener('abort', over)
      resolve()
    }
    const cancel = tools.after(ms, over)
    signal.addEventListener('abort', over)
  })
}
