import type { Json } from '../../../base/canonical-json.ts'
import { failureRow } from '../../../base/failure.ts'
import type { Tools } from '../../../base/tools.ts'
import { type Answer, json } from '../../answer.ts'
import { refusalOf, sentenceOf } from '../../errors.ts'

interface Reply {
  readonly auth?: Json
  readonly data?: Json
  readonly leaseId?: string
  /** Seconds. */
  readonly leaseDuration?: number
}

/** Vault's envelope: every answer has all of these members. */
export function replyOf(requestId: string, { auth, data, leaseId, leaseDuration }: Reply): Json {
  return {
    request_id: requestId,
    lease_id: leaseId ?? '',
    renewable: false,
    lease_duration: leaseDuration ?? 0,
    data: data ?? null,
    ...{ wrap_info: null, warnings: null, auth: auth ?? null },
  }
}

/** As Vault says no: a status, and a list of sentences that its clients print. */
export function refuseVault(thrown: unknown, tools: Tools): Answer {
  const refusal = refusalOf(thrown, tools)
  const { vault: status } = failureRow(refusal.failure.code)
  const denied = status === 403 ? 'permission denied: ' : ''
  return { ...json(status, { errors: [`${denied}${sentenceOf(refusal)}`] }), headers: refusal.headers }
}

/** The dialect. */
export const vault = { door: 'vault', via: 'vault', refuse: refuseVault } as const
