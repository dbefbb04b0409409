/**
 * google: `POST /v1/token` as Google's Security Token Service speaks it, for configurations of an `external_account`: a
 * provider's name is asked for with a token of the platform, and the answer is a token of the service account. It only
 * translates: the exchange does the rest.
 */
import { Failure } from '../../../base/failure.ts'
import type { Tools } from '../../../base/tools.ts'
import type { ExchangeAnswer, ExchangeRequest, Given } from '../../../exchange.ts'
import { type Answer, type Asked, json } from '../../answer.ts'
import type { GoogleDoor } from '../../doors.ts'
import { refuse } from '../../errors.ts'
import { readForm } from '../../form.ts'
import { exchangeRequest, refuseClientAuthentication, tokenExchange } from '../../token.ts'
import { behind, type DialectParts } from '../behind.ts'

const via = 'google-sts'

/** Of all of Google's scopes the one that holds the others. */
const everything = 'https://www.googleapis.com/auth/cloud-platform'

/** Answers one request for a token; every refusal comes back as an answer too, in the words of RFC 6749 5.2. */
export function answerGoogle(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind({ door: 'google', via, refuse }, parts, async (door) => {
    const answer = await parts.exchange(requestOf(asked, door))
    return { ...answered(answer, parts.tools), dropped: () => parts.undelivered(answer.leaseId) }
  })
}

function requestOf(asked: Asked, door: GoogleDoor): ExchangeRequest {
  const form = readForm(asked)
  refuseClientAuthentication(asked, form)
  if (form.get('grant_type') !== tokenExchange) throw new Failure('grant_type_unsupported')
  // Ignored, they would mean another project, or more than the access boundary in them.
  if (form.get('options') !== undefined)
    throw new Failure('request_malformed', { detail: 'options are not supported.' })
  const { subjectToken, target: audience = '', scopes } = exchangeRequest(form)
  const target = door.target(audience)
  if (target === undefined)
    throw new Failure('target_refused', {
      detail: 'This audience means no target here: the configuration says which, under dialects.google.',
    })
  return { subjectToken, via, target, misfit: (given) => misfitOf(given, scopes ?? [everything]) }
}

/** The scopes of the token are the target's. Fewer than were asked for will do, and others were not asked for. */
function misfitOf({ kind, settings }: Given, wanted: readonly string[]): string | undefined {
  if (kind !== 'gcp_service_account') return `a target of kind ${kind} gives no token of Google`
  if (wanted.includes(everything)) return undefined
  const named =
    typeof settings === 'object' && settings !== null && 'oauth_scopes' in settings
      ? settings.oauth_scopes
      : undefined
  const given = Array.isArray(named) ? named.map(String) : [everything]
  const beside = given.find((scope) => !wanted.includes(scope))
  return beside === undefined ? undefined : `its token has the scope ${beside}, which was not asked for`
}

/** The token itself: whoever asked this way knows nothing of leases. */
function answered({ credential, expiresAt }: ExchangeAnswer, { now }: Pick<Tools, 'now'>): Answer {
  return json(200, {
    access_token: credential.token.reveal(),
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: Math.max(0, expiresAt - Math.floor(now() / 1000)),
  })
}
