/**
 * domain: the nouns that every room shares. Types only, no behaviour, no vendor's vocabulary.
 * Times are seconds since 1970 (as in a JWT) unless a name ends in `Ms`.
 */
import type { Json } from './base/canonical-json.ts'
import type { Carried, Measured } from './base/carried.ts'
import type { Secret } from './base/secret.ts'
import type { Waiting } from './base/waiting.ts'

/** Verified statements of a token, without prototype: `Object.hasOwn` or plain reads only. */
export type Claims = Readonly<Record<string, Json>>

/** Which job a token or a lease belongs to; compared exactly, always together with the issuer's name. */
export interface Job {
  /** The configured name of the issuer, `github`. */
  readonly issuer: string
  /** The platform's id of this one job (GitHub: `check_run_id`), where it says one; `run`: of the run and its attempt. */
  readonly id?: string
  readonly run?: string
}

/** A verified identity. Never an unverified one. */
export interface Principal {
  /** The configured name of the issuer, as policies use it. */
  readonly issuer: string
  readonly iss: string
  readonly subject: string
  readonly claims: Claims
  /** Same text = same token: from `(iss, jti)`, or from the token's canonical bytes where there is no `jti`. */
  readonly replayKey: string
  /** When the replay key may be forgotten: the token's end plus every tolerance. */
  readonly replayUntil: number
  readonly job?: Job
  /** Path of the repository that the job is of, lower case, `acme/shop`; absent where the platform has none. */
  readonly repository?: string
  /** Who started the job, a person or an agent, lower case. */
  readonly actor?: string
}

/** One permission that the policy gave, ready to be issued. */
export interface Grant {
  readonly leaseId: string
  readonly principal: Principal
  /** Who acts with the principal's rights, where somebody does (RFC 8693 1.1). */
  readonly acting?: Principal
  /** The target's name in the policy. */
  readonly target: string
  readonly kind: string
  /** The target's own, as the policy has them. */
  readonly settings: Json
  readonly scopes: readonly string[]
  readonly issuedAt: number
  readonly expiresAt: number
}

/** What is delivered; `token` is all of it where it is one string. */
export interface Credential {
  readonly token: Secret
  /** RFC 8693 3; `tokenType`: 2.2.1. */
  readonly issuedTokenType: string
  readonly tokenType: 'Bearer' | 'N_A'
  /** A credential of several parts, such as a user and a password. */
  readonly parts?: Readonly<Record<string, Secret | string>>
}

export type LeaseState = 'pending' | 'active' | 'revoked' | 'expired' | 'stuck'
/** The record of a live credential. */
export interface Lease {
  readonly id: string
  readonly state: LeaseState
  readonly target: string
  readonly kind: string
  readonly issuer: string
  readonly subject: string
  readonly grants: readonly string[]
  readonly scopes: readonly string[]
  readonly job?: Job
  /** Of the subject, where somebody acts in a job of their own: its end ends the lease as well. */
  readonly otherJob?: Job
  /** As the principal's: what an operator ends leases by. */
  readonly repository?: string
  readonly actor?: string
  /** Who acts with the subject's rights: what ends their leases ends this one. */
  readonly act?: Pick<Lease, 'issuer' | 'subject' | 'repository' | 'actor'>
  /** The policy that gave it, and the target's kind and settings in it, as short digests. */
  readonly terms?: Terms
  /** Id of the lease of the session by which it was asked for, where it was by one. */
  readonly session?: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly endedAt?: number
  /** Why it ended: a word of `EndCause`. */
  readonly endedBy?: string
  /** Sealed: all that revocation needs, enough on its own. */
  readonly handle: Uint8Array
}

/** By what a lease was given: each a prefix of a SHA-256, hex. */
export interface Terms {
  readonly policy: string
  readonly settings: string
}

/** Why a lease ended. `failed`: it never was one. `policy`: that in force would not give it. `switch`: it was switched off. */
export type EndCause = 'expired' | 'caller' | 'job_end' | 'operator' | 'failed' | 'policy' | 'switch'

/** What can be switched off as a whole: nothing is issued for it, and what was ends. */
export interface Switch {
  readonly of: 'target' | 'issuer' | 'repository' | 'actor'
  /** A repository or an actor in lower case. */
  readonly name: string
}

/** One committed record of the log, as stored: the bytes that were hashed, and its position, from 0. */
export interface Entry {
  readonly index: number
  readonly bytes: Uint8Array
}

/** How many entries there are, and the Merkle root over them (RFC 6962 2.1). */
export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

/** Who acted with the rights of whom a token names, for the record. */
export interface Acting {
  readonly issuer: string
  readonly subject: string
  /** Those that the policy reads, and those that tell who it is. */
  readonly claims: Claims
  /** Names of the others, all of them; the log fills it. */
  readonly dropped?: readonly string[]
}

/** What was asked for beside the target, as far as it was: with the claims all that deciding again needs. */
export interface Asked {
  readonly scopes?: readonly string[]
  readonly seconds?: number
}

/** What the log remembers. Names are public (`test/surface.test.ts`); values are claims, never secrets. */
export type AuditEvent =
  | {
      readonly type: 'credential.issued' | 'credential.pending'
      readonly lease: string
      readonly issuer: string
      readonly subject: string
      readonly target: string
      readonly kind: string
      readonly grants: readonly string[]
      readonly scopes: readonly string[]
      /** The lifetime that the policy gave, seconds. */
      readonly seconds: number
      readonly expires: number
      readonly policy: string
      readonly via: string
      readonly session?: string
      readonly asked?: Asked
      readonly job?: Job
      readonly claims: Claims
      readonly act?: Acting
    }
  | {
      readonly type: 'session.opened'
      readonly lease: string
      readonly issuer: string
      readonly subject: string
      /** The name that the caller gave, which means nothing here. */
      readonly role?: string
      readonly expires: number
      readonly via: string
      readonly job?: Job
      readonly claims: Claims
    }
  | {
      readonly type: 'credential.refused'
      readonly code: string
      readonly reason: string
      readonly via: string
      readonly issuer?: string
      readonly subject?: string
      readonly target?: string
      readonly job?: Job
      readonly asked?: Asked
      readonly policy?: string
      /** The policy's own word for its refusal, `no_grant`; absent when it was not the policy that refused. */
      readonly decision?: string
      readonly claims?: Claims
      readonly act?: Acting
      /** Names of the claims that the token has beside `claims`, all of them; the log fills it. */
      readonly dropped?: readonly string[]
      /** Hash of a token that could not be verified, so that two refusals of one token can be joined. */
      readonly token?: string
    }
  | {
      readonly type: 'lease.ended'
      readonly lease: string
      readonly target: string
      readonly state: LeaseState
      readonly by: EndCause
      readonly detail?: string
      /** Seconds after its time, where that is many and it could still be used. */
      readonly late?: number
      readonly job?: Job
    }
  | { readonly type: 'job.ended'; readonly job: Job; readonly via: string; readonly leases: number }
  | {
      readonly type: 'switch.off' | 'switch.on'
      readonly of: Switch['of']
      readonly name: string
      /** The operator's own words. */
      readonly reason?: string
    }
  | { readonly type: 'webhook.refused'; readonly via: string; readonly reason: string }
  | {
      readonly type: 'route.admitted' | 'route.refused'
      readonly route: string
      readonly target: string
      readonly action: string
      readonly lease?: string
      readonly code?: string
      readonly reason?: string
    }
  | Waiting
  | {
      readonly type: 'route.request'
      readonly route: string
      readonly target: string
      readonly lease: string
      readonly job?: Job
      readonly carried: Carried
      /** Absent where the entry was written first: `route.answered` follows. */
      readonly outcome?: Measured
    }
  | {
      readonly type: 'route.answered'
      /** Id of the request's entry. */
      readonly request: string
      readonly target: string
      readonly lease: string
      readonly outcome: Measured
    }
  | {
      readonly type: 'requests.lost'
      /** Seconds since 1970, of the first and the last. */
      readonly from: number
      readonly until: number
      /** By target. */
      readonly counts: Readonly<Record<string, number>>
    }
  | {
      readonly type: 'introspection.refused' | 'revocation.refused' | 'audit.refused'
      readonly code: string
      readonly reason: string
    }
  | {
      readonly type: 'refusals.summed'
      /** Seconds since 1970, of the first and the last. */
      readonly from: number
      readonly until: number
      /** By event and code. */
      readonly counts: Readonly<Record<string, number>>
    }
  | {
      readonly type: 'key.created' | 'key.retired'
      readonly purpose: string
      readonly kid: string
      readonly from: number
      readonly by: string
    }
  | {
      readonly type: 'secret.put' | 'secret.rewrapped'
      readonly secret: string
      readonly wrap: string
      readonly by: string
    }
  | { readonly type: 'secret.removed'; readonly secret: string; readonly by: string }
  | { readonly type: 'policy.loaded'; readonly digest: string; readonly detail: string }
  | {
      readonly type: 'policy.changed'
      readonly digest: string
      /** Digest of the policy that it replaced. */
      readonly previous: string
      readonly detail: string
      /** What changes for those who ask; absent when that could not be told. */
      readonly change?: Json
    }
  | {
      readonly type: 'policy.refused'
      /** Absent when the folder could not be read. */
      readonly digest?: string
      /** Digest of the policy that stays in force. */
      readonly kept: string
      readonly detail: string
      /** The first faults, each with its code and place. */
      readonly faults: readonly string[]
    }
  | { readonly type: 'broker.started' | 'broker.stopped'; readonly url: string; readonly version: string }
