import { Failure } from '../../../base/failure.ts'
import type { Asked } from '../../answer.ts'
import { readAuthorization } from '../../authorization.ts'

/** The session's token: `X-Vault-Token`, or as a bearer. Throws `client_rejected` where there is none, or two. */
export function sessionTokenOf({ headers }: Pick<Asked, 'headers'>): string {
  const own = headers['x-vault-token']
  const bearer = readAuthorization(headers.authorization)
  const token = bearer?.scheme === 'Bearer' ? bearer.token : undefined
  if (Array.isArray(own) || (own !== undefined && token !== undefined && own !== token))
    throw new Failure('client_rejected', { detail: 'Send one token.' })
  const found = own ?? token
  if (found === undefined || found === '')
    throw new Failure('client_rejected', { detail: 'Log in first, and send the token as X-Vault-Token.' })
  return found
}
