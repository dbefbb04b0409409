import { brokerUrl, secureUrl } from './endpoint.ts'
import { jsonObject } from './json.ts'
import { idTokenRetry } from './retry.ts'
import { type Sending, send } from './send.ts'

/** What GitHub's token service needs to know. */
export interface GithubActionsTokenRequest extends Sending {
  /** The broker's URL: the one place where this token can be spent. */
  readonly audience: string
  /** The job's environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The job has no ID token to show. The message says how to mend it. */
export class IdTokenUnavailable extends Error {
  override readonly name = 'IdTokenUnavailable'
}

const missingPermission = `This job may not ask GitHub for an ID token. Add this to the job (or to the workflow):

permissions:
  id-token: write
  contents: read

A permission that is not listed there is taken away, so keep those that the job needs. In a reusable workflow the \
calling job needs it too; a pull request from a fork cannot have it.`

/**
 * A new ID token of this job, by the protocol of GitHub's toolkit (ten tries). Each can be spent once: call it for
 * each exchange. Throws `IdTokenUnavailable`, `MayflyUnreachable`, and the signal's reason.
 */
export async function githubActionsToken(request: GithubActionsTokenRequest): Promise<string> {
  const serviceUrl = request.env['ACTIONS_ID_TOKEN_REQUEST_URL']
  const requestToken = request.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']
  if (!serviceUrl || !requestToken) throw new IdTokenUnavailable(missingPermission)

  const url = secureUrl(serviceUrl, 'ACTIONS_ID_TOKEN_REQUEST_URL')
  url.searchParams.set('audience', brokerUrl(request.audience))
  const compose = async () => ({
    method: 'GET' as const,
    headers: {
      authorization: `Bearer ${requestToken}`,
      accept: 'application/json',
      'user-agent': 'mayfly-client',
    },
  })
  const answer = await send(url, compose, { ...request, retry: request.retry ?? idTokenRetry })
  const value = answer.status === 200 ? jsonObject(answer.text)?.['value'] : undefined
  if (typeof value !== 'string' || value === '') {
    throw new IdTokenUnavailable(`GitHub's token service gave no ID token (status ${answer.status}).`)
  }
  return value
}
