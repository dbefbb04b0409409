import type { Secret } from '../base/secret.ts'

/**
 * How people come in: by an OpenID Provider, with its code flow. Whoever is signed in has a lease and a token of ours like any
 * job; the route keeps the token in a cookie and asks the gate with it. It decides nothing itself.
 */
export interface SignIn {
  /** `returnTo`: a path of ours, with its query. `acr`: how strongly one has to sign in, where that is known. */
  begin(returnTo: string, acr?: readonly string[]): Promise<Begun>
  /**
   * The browser is back. Throws `request_malformed` for what does not belong to what it kept, and as the exchange does where
   * the policy says no; where it would say yes to a stronger sign-in, that is begun, once.
   */
  finish(answer: URLSearchParams, kept: string): Promise<SignedIn | Begun>
  /** How strongly whoever has this token would have to sign in to get one of these scopes; nothing: that changes nothing. */
  stronger(token: Secret, scopes: readonly string[]): Promise<readonly string[]>
  /** Ends the lease; answers where the provider ends its own session, if it can. Never throws for a token that is over. */
  end(token: Secret): Promise<string | undefined>
  /** Back-channel logout: the provider says that a session of its own is over. Throws `subject_token_invalid`. */
  logout(token: string): Promise<void>
  /** The origin by which browsers know the route, `https://admin.example.com`. */
  readonly origin: string
  /** Who gives tokens to programs: our own URL (RFC 9728 2). */
  readonly broker: string
}

/** Where the browser goes, and what it keeps until it is back. */
export interface Begun {
  readonly location: string
  readonly kept: string
  /** By which the browser tells several that are under way apart. */
  readonly tag: string
}

/** Somebody who signed in. */
export interface SignedIn {
  readonly token: Secret
  /** Until the token ends. */
  readonly seconds: number
  readonly returnTo: string
  /** It was a stronger sign-in. */
  readonly stepped: boolean
}
