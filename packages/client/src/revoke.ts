import { brokerUrl } from './endpoint.ts'
import { refusalOf } from './refusal.ts'
import { formMessage, type Sending, send } from './send.ts'

/** Which credential ends, and where. */
export interface RevokeRequest extends Sending {
  /** The broker, `https://mayfly.example.com`. */
  readonly url: string
  /** The access token of the credential. */
  readonly token: string
}

/**
 * Ends a credential (RFC 7009). Doing it twice is no fault. When this resolves the broker has taken it back;
 * throws `MayflyRefused`, `MayflyUnreachable`, a TypeError for a URL that may not be used, and the signal's reason.
 */
export async function revoke(request: RevokeRequest): Promise<void> {
  const compose = async () => formMessage({ token: request.token })
  const answer = await send(new URL(`${brokerUrl(request.url)}/revoke`), compose, request)
  if (answer.status !== 200) throw refusalOf(answer, [request.token])
}
