import type { Secret } from '../base/secret.ts'

/**
 * How people come in: by an OpenID Provider, with its code flow. Whoever is signed in has a lease and a token of ours like any
 * job; the route keeps the token in a cookie and asks the gate with it. It decides nothing itself.
 */
export interface SignIn {
  /** Where the browser goes, and what it keeps until it is back. `returnTo`: a path of ours, with its query. */
  begin(returnTo: string): Promise<{ readonly location: string; readonly kept: string }>
  /**
   * The browser is back. Throws `request_malformed` for what does not belong to what it kept, and as the exchange does where
   * the policy says no.
   */
  finish(answer: URLSearchParams, kept: string): Promise<SignedIn>
  /** Ends the lease; answers where the provider ends its own session, if it can. Never throws for a token that is over. */
  end(token: Secret): Promise<string | undefined>
  /** Back-channel logout: the provider says that a session of its own is over. Throws `subject_token_invalid`. */
  logout(token: string): Promise<void>
  /** The origin by which browsers know the route, `https://admin.example.com`. */
  readonly origin: string
  /** Who gives tokens to programs: our own URL (RFC 9728 2). */
  readonly broker: string
}

/** Somebody who signed in. */
export interface SignedIn {
  readonly token: Secret
  /** Until the token ends. */
  readonly seconds: number
  readonly returnTo: string
}
