/**
 * client: asks a Mayfly broker for a credential, gives it back, and says why it was refused.
 * It owns the protocol and the retries; it never keeps a secret, reads no environment, prints nothing, and uses
 * the web's own interfaces only (fetch, URL, AbortSignal, crypto), so that it runs on Node, Deno, Bun and workers.
 * Called by the action, by the command line, and by anybody's own code.
 */

/** What a transport is given beside the URL; the same shape that `fetch` takes. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
  /** A redirect is never followed: it would carry the token to a place that nobody named. */
  readonly redirect: 'manual'
}

/** What a transport answers; `fetch`'s Response is one. */
export interface TransportAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

/** How bytes reach the other side. `fetch` is one; it rejects when there was no answer. */
export type Transport = (url: string, request: TransportRequest) => Promise<TransportAnswer>

/** The platform's `fetch`, looked up at each call. */
export const fetchTransport: Transport = (url, request) => fetch(url, request)
