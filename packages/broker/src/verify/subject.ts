import { Failure } from '../base/failure.ts'
import type { Principal } from '../domain.ts'
import { type Compact, parseCompact, unverifiedIssuer } from './compact.ts'
import type { Issuer } from './issuer.ts'

export interface SubjectVerifier {
  /**
   * `audience`: another name of ours that this token may be for. `type`: a `typ` that it may have. Throws `subject_token_invalid` or
   * `provider_unavailable`.
   */
  verify(token: string, audience?: string, type?: string): Promise<Principal>
}

/**
 * Verifies subject tokens. The issuer is chosen by what the token says and then has to prove it; a token that nobody
 * configured accepts reaches no network (A66), and our own tokens are never anybody's identity (A63).
 */
export function openSubjectVerifier(
  issuers: readonly Issuer[],
  own: { readonly url: string },
): SubjectVerifier {
  if (issuers.length === 0) throw new TypeError('no issuer is configured, so nobody could be believed')
  return {
    verify: async (token, audience, type) => {
      const compact = parse(token)
      const iss = unverifiedIssuer(compact)
      if (iss === own.url) throw invalid('a token of this broker is no identity token')
      const [issuer, ...more] = issuers.filter((each) => each.accepts(iss === undefined ? {} : { iss }))
      if (issuer === undefined) throw invalid('an issuer that is not configured')
      if (more.length > 0) throw invalid('more than one issuer accepts this token')
      return issuer.verify(compact, audience, type)
    },
  }
}

function parse(token: string): Compact {
  try {
    return parseCompact(token)
  } catch (thrown) {
    if (thrown instanceof TypeError) throw invalid(thrown.message)
    throw thrown
  }
}

function invalid(reason: string): Failure {
  return new Failure('subject_token_invalid', { reason })
}
