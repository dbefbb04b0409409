/**
 * verify: who is asking? It turns a token into a `Principal` or throws `subject_token_invalid`.
 * It never decides what the principal may do, and never stores anything. The exchange calls it.
 */
import type { Principal } from '../domain.ts'
import type { Compact } from './compact.ts'

/** A source of identity tokens that we agreed to believe. */
export interface Issuer {
  /** As policies name it. */
  readonly name: string
  /** An unverified hint, used only to choose who verifies. Exactly one issuer may accept a token. */
  accepts(hint: { readonly iss?: string }): boolean
  /**
   * `audience`: another name of ours, which the token may be for instead of our URL. `type`: a `typ` that it may have.
   * Takes a token that was parsed strictly and of which nothing is verified yet. Throws
   * `Failure('subject_token_invalid')`, or `Failure('provider_unavailable')` when its keys cannot be had.
   */
  verify(token: Compact, audience?: string, type?: string): Promise<Principal>
}
