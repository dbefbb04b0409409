/**
 * A stand-in for GitHub's token service and its webhooks: a real server, a real key, GitHub's own protocol
 * (`GET ...&audience=` with the request token, discovery, JWKS). For the demo and for tests; it keeps nothing.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JobClaims } from './claims.ts'
import type { Faults } from './faults.ts'
import { makeSigningKey } from './signing-key.ts'
import {
  answerDoor,
  idToken,
  type Job,
  newestKey,
  type Seen,
  type SigningOptions,
  type State,
  startJob,
} from './token-issuer.ts'
import { type EndedJob, workflowJobCompleted } from './webhook.ts'

export interface GithubOptions {
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number
  /** Default: any free port. */
  readonly port?: number
  /** What the issuer has after host and port; GHES has `/_services/token`. */
  readonly path?: string
}

export interface Github {
  /** Also the base of discovery and JWKS. */
  readonly issuer: string
  readonly kid: () => string
  /** A new job with ids of its own. */
  job(claims?: JobClaims): Job
  /** An ID token; `claims` are added last and may replace anything, `aud` is theirs to say. */
  idToken(claims?: JobClaims, options?: SigningOptions): string
  /** An ID token of this very job, as its runner would get it. */
  idTokenOf(job: Job, audience: string): string
  /** Sends the signed webhook of a job that ended. */
  completeJob(
    job: Job,
    webhookUrl: string,
    secret: string,
    conclusion?: EndedJob['conclusion'],
  ): Promise<Response>
  /** A new key signs from now on; the ones before stay published unless `forget` is true. */
  rotate(forget?: boolean): void
  /** Requests that reached the token service, oldest first. */
  readonly seen: readonly Seen[]
  readonly faults: Faults
  close(): Promise<void>
}

/** Starts the stand-in on loopback. */
export async function startGithub(options: GithubOptions = {}): Promise<Github> {
  const issuer = { url: '', path: options.path ?? '', origin: '' }
  const { now = Date.now, port = 0 } = options
  const state: State = { issuer, keys: [makeSigningKey()], jobs: new Map(), seen: [], faults: {}, now }
  const server = createServer((request, response) => answerDoor(state, request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  issuer.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  issuer.url = issuer.origin + issuer.path
  return {
    issuer: issuer.url,
    kid: () => newestKey(state).kid,
    job: (claims = {}) => startJob(state, claims),
    idToken: (claims = {}, signing = {}) => idToken(state, claims, signing),
    idTokenOf: (job, aud) => idToken(state, { ...job.claims, aud }),
    completeJob: ({ claims }, webhookUrl, secret, conclusion = 'success') => {
      const { headers, body } = workflowJobCompleted({ claims, conclusion, endedAt: now() }, secret)
      return fetch(webhookUrl, { method: 'POST', headers, body, redirect: 'manual' })
    },
    rotate: (forget = false) => {
      if (forget) state.keys.length = 0
      state.keys.unshift(makeSigningKey())
    },
    seen: state.seen,
    faults: state.faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
