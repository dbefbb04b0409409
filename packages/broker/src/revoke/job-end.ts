/**
 * job-end: a platform says that a job or a run is over, and what it held ends. It checks the signature over the bytes as
 * they came before it believes any of them, and finds the job that the delivery names. It never ends a lease itself
 * (`revoke.ts` does) and never gives one. `doorway.ts` opens it; the door in `http/webhooks.ts` calls it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import type { Secret } from '../base/secret.ts'
import type { Tools } from '../base/tools.ts'
import type { AuditEvent, Job } from '../domain.ts'
import type { Revoke } from './revoke.ts'

export interface GithubJobEndParts {
  /** The webhook's secret, as GitHub has it. */
  readonly secret: Secret
  /** Names of the configured issuers that are GitHub's. */
  readonly issuers: readonly string[]
  readonly endJob: Revoke['endJob']
  readonly refuse: (event: AuditEvent) => Promise<string>
  readonly tools: Pick<Tools, 'log'>
}

/** A webhook as it came. Nothing of it is believed before the signature was checked over `body`. */
export interface GithubDelivery {
  /** `X-GitHub-Event`. */
  readonly event: string
  /** `X-GitHub-Delivery`. */
  readonly id: string
  /** `X-Hub-Signature-256`, empty when absent. */
  readonly signature: string
  readonly body: Uint8Array
}

export interface GithubJobEnd {
  /** Throws `client_rejected` (and records it) on a wrong signature, `request_malformed` on a body that makes no sense. */
  receive(
    delivery: GithubDelivery,
  ): Promise<{ readonly status: 'ended' | 'ignored'; readonly leases: number }>
}

const via = 'github-webhook'

/** A shorter secret could be guessed offline from one delivery. */
const shortestSecret = 16

/**
 * Opens the door by which GitHub says that a job is over. Deliveries that come again change nothing. Throws
 * `Failure('internal')` when the secret is none.
 */
export function openGithubJobEnd(parts: GithubJobEndParts): GithubJobEnd {
  if (parts.secret.reveal().length < shortestSecret)
    throw new Failure('internal', {
      detail: `webhooks.github.secret needs at least ${shortestSecret} characters. Make one with \`openssl rand -hex 32\`.`,
    })
  return {
    async receive(delivery) {
      const fault = signatureFault(parts.secret, delivery)
      if (fault !== undefined) {
        const entry = await parts.refuse({ type: 'webhook.refused', via, reason: fault })
        throw new Failure('client_rejected', { reason: fault }).recorded(entry)
      }
      const job = endedJob(delivery)
      if (job === undefined) return { status: 'ignored', leases: 0 }
      let leases = 0
      for (const issuer of parts.issuers) leases += await parts.endJob({ issuer, ...job }, via)
      parts.tools.log.info('a job ended', { delivery: delivery.id, ...job, leases })
      return { status: 'ended', leases }
    },
  }
}

/** Over the bytes as they came, in constant time, before anything of them is read. */
function signatureFault(secret: Secret, delivery: GithubDelivery): string | undefined {
  if (delivery.signature === '') return 'a webhook without signature'
  const given = /^sha256=([0-9a-f]{64})$/.exec(delivery.signature)?.[1]
  if (given === undefined) return 'a webhook whose signature is not one'
  const right = createHmac('sha256', secret.reveal()).update(delivery.body).digest()
  return timingSafeEqual(right, Buffer.from(given, 'hex')) ? undefined : 'a webhook with a wrong signature'
}

/**
 * The job that a delivery ends. `workflow_job` names it by the check run, as the token does, and says its run, so that
 * the leases of that run whose tokens could not name their job (older servers have no `check_run_id`) end with it;
 * siblings that have an id of their own go on. `workflow_run` ends the whole run.
 */
function endedJob(delivery: GithubDelivery): Pick<Job, 'id' | 'run'> | undefined {
  if (delivery.event !== 'workflow_job' && delivery.event !== 'workflow_run') return undefined
  const payload = parse(delivery.body)
  const action = member(payload, 'action')
  if (typeof action !== 'string') throw malformed('action')
  if (action !== 'completed') return undefined
  if (delivery.event === 'workflow_run') {
    const run = member(payload, 'workflow_run')
    return { run: attempt(run, 'id') }
  }
  const job = member(payload, 'workflow_job')
  const id = checkRun(job)
  // A server that does not say the attempt still ends the job that it names.
  const saysRun = member(job, 'run_id') !== undefined && member(job, 'run_attempt') !== undefined
  return saysRun ? { id, run: attempt(job, 'run_id') } : { id }
}

/** As tokens name a run: `run_id/run_attempt`. */
function attempt(of: unknown, id: 'id' | 'run_id'): string {
  return `${number(member(of, id), id)}/${number(member(of, 'run_attempt'), 'run_attempt')}`
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new Failure('request_malformed', { detail: 'The webhook is not JSON.', cause })
  }
}

/** `https://HOST/repos/OWNER/REPO/check-runs/ID`: the id is what tokens carry as `check_run_id`. */
function checkRun(job: unknown): string {
  const url = member(job, 'check_run_url')
  const id = typeof url === 'string' ? /\/check-runs\/([0-9]{1,20})$/.exec(url)?.[1] : undefined
  if (id === undefined) throw malformed('check_run_url')
  return id
}

function number(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw malformed(name)
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function malformed(name: string): Failure {
  return new Failure('request_malformed', { detail: `The webhook's ${name} is missing or of another form.` })
}
