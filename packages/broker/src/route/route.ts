/**
 * route: carry it. A route finds the caller's token, asks the gate, and then pipes; the upstream never sees the
 * caller's token. It never verifies or decides anything itself.
 */
import type { StatementFacts, StatementVerdict } from '@mayfly/policy/statements'
import type { Used } from '../base/budget.ts'
import type { Json } from '../base/canonical-json.ts'
import type { Carried, Outcome } from '../base/carried.ts'
import type { Failure } from '../base/failure.ts'
import type { Secret } from '../base/secret.ts'
import type { Job } from '../domain.ts'

export interface Ask {
  /** What the caller presented, if anything. */
  readonly token: Secret | undefined
  /** What is wrong with how the caller presented a token, in words that it may read: a reason to refuse. */
  readonly fault?: string
  /** The name of the route, for the record. */
  readonly route: string
  /** The target whose audience the token must carry. */
  readonly target: string
  /** Short words on what is asked, for the record: method and path without the query. */
  readonly action: string
  /** What is asked, where the protocol is one that policies speak of; absent: nothing but the token counts. */
  readonly request?: RequestHead
}

/** The head of a request as it will be forwarded. */
export interface RequestHead {
  readonly method: string
  /** As sent. */
  readonly path: string
  /** With its question mark, or empty. */
  readonly query: string
  /** It names another method than its own in a way that some servers follow. */
  readonly overrides: boolean
}

/** What a job may still use of a target. */
export interface Meter {
  /** What flows counts as well, not only how often something is asked. */
  readonly flows: boolean
  /** Resolves once it is taken. Throws `budget_spent`, which is in the log then, and takes nothing. */
  take(take: Partial<Used>): Promise<void>
}

/** What a policy says of statements of a database. */
export interface StatementTerms {
  /** Where names without a schema are looked up, if anywhere. */
  readonly schema: string | undefined
  /** Something limits or masks results. */
  readonly limited: boolean
  /** Something may change. */
  readonly mayWrite: boolean
  /** `scopes`: those of the target that would do, after a no. */
  judge(facts: StatementFacts): StatementVerdict & { readonly scopes?: readonly string[] }
}

/** Who was let in. */
export interface Admitted {
  readonly leaseId: string
  readonly subject: string
  readonly scopes: readonly string[]
  /** Who acts with the subject's rights. */
  readonly actor?: string | undefined
  readonly expiresAt: number
  /** What was asked for may change something. */
  readonly writes?: boolean
  /** For the record. */
  readonly job?: Job | undefined
  /** Before anything is forwarded somebody has to approve it (`Gate.approve`). */
  readonly held?: true
  /**
   * Before anything is forwarded its JSON body has to be shown here; answers whether it is held then. Throws as `Gate.admit`
   * does.
   */
  readonly body?: (read: () => Promise<unknown>) => Promise<boolean>
}

/** Says what became of something that is recorded: to be called when it is over; the first call counts. */
export type Answered = (outcome: Outcome) => void

/** The one check in front of everything that is carried. Throws `Failure`; every refusal is in the log first. */
export interface Gate {
  admit(ask: Ask): Promise<Admitted>
  /** Whether the lease of somebody who was let in is still alive: for what is carried longer than a moment. */
  holds(admitted: Admitted): Promise<boolean>
  /**
   * Has a refusal recorded that only the route could see, such as of one statement of a session, or of somebody who was not
   * let in because nobody could tell what was asked. Answers with the failure for the
   * caller: the same one with its entry, or `provider_unavailable` when it could not be written down.
   */
  refuse(admitted: Admitted | undefined, ask: Omit<Ask, 'token'>, failure: Failure): Promise<Failure>
  /**
   * Begins the record of something that is about to be forwarded; `undefined`, and nothing is done, where the policy does
   * not ask for one. Where the policy requires it, it resolves once the entry is durable, and rejects with a refusal that
   * is recorded: then nothing may be forwarded. `carried` is asked only where it is needed.
   */
  record(
    admitted: Admitted,
    ask: Pick<Ask, 'route' | 'target' | 'action'>,
    carried: () => Carried,
  ): Promise<Answered> | undefined
  /**
   * Waits until somebody approves something that is held; `show`: what it is. Throws `not_approved`, and everything that
   * `admit` throws where that changed meanwhile; the refusal is in the log. `signal`: nobody waits for it any more.
   */
  approve(
    admitted: Admitted,
    ask: Omit<Ask, 'token'>,
    show: () => Promise<Json>,
    signal: AbortSignal,
  ): Promise<void>
  /** Whether the policy in force asks for records of what is carried to a target. */
  records(target: string): boolean
  /** Whether the policy in force lists such a request for somebody who was let in: to show what there is, not to let it pass. */
  permits(admitted: Admitted, target: string, request: RequestHead): boolean
  /**
   * Counts what somebody who was let in uses, where the policy in force has a budget for the target; `undefined`: it has none.
   */
  meter(admitted: Admitted, ask: Omit<Ask, 'token'>): Meter | undefined
  /**
   * What the policy in force says of statements for somebody who was let in, the same value as long as it says the same;
   * `undefined`: nothing, and all may pass.
   */
  statements(admitted: Admitted, target: string): StatementTerms | undefined
  /** Who was let in, as a token for the upstream alone, which lives for a minute (`X-Mayfly-Assertion`). */
  assertion(admitted: Admitted, audience: string): string
  /** The audience that tokens of a target carry. */
  audience(target: string): string | undefined
  /**
   * What the lease made at the upstream, for routes that sign in there with it. It holds secrets that no caller may see.
   * Throws when the lease is over.
   */
  upstream(admitted: Admitted): Promise<Json>
}

export interface Listening {
  readonly url: string
  /** Whether each place of its upstream is taken for well, in the order of the configuration. */
  readonly upstreams?: () => readonly boolean[]
  /** Stops accepting, lets what runs finish within `graceMs`, then cuts. */
  close(graceMs: number): Promise<void>
}

export interface Route {
  listen(gate: Gate): Promise<Listening>
}
