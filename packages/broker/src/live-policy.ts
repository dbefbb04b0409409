/** The policy of a running broker: followed in its folder, told to the log, the metrics and whoever probes. */
import type { Problem } from '@mayfly/policy/problem'
import type { Json } from './base/canonical-json.ts'
import { Failure } from './base/failure.ts'
import type { Core } from './core.ts'
import { checkInThread } from './decide/check-thread.ts'
import { readPolicyFolder } from './decide/folder.ts'
import { type Permission, permit, type Wish } from './decide/permission.ts'
import type { PolicySources } from './decide/policies.ts'
import { changeSummary } from './decide/policy-change.ts'
import { recordedAsker } from './decide/recorded-decision.ts'
import { type ChangedPolicy, openReload, type RefusedPolicy } from './decide/reload.ts'
import { whyNoLonger } from './decide/still-granted.ts'
import { policyTerm } from './decide/terms.ts'
import type { AuditEvent, Principal } from './domain.ts'
import type { Metrics } from './http/metrics.ts'
import { sessionKind } from './issue/session-lease.ts'
import { openPolicyEnd } from './revoke/policy-end.ts'
import { wiringFaults } from './wiring.ts'

/** How often the folder is read, and how long its files must stay the same before they count. */
const times = { everyMs: 5_000, settleMs: 1_000 } as const

/** Faults that an entry of the log holds; the broker's own log holds all. */
const mostFaults = 20

export interface LivePolicy {
  /** Reads the folder now; resolves when what was found is in force or refused. */
  look(): Promise<void>
  /** For whoever probes: which policy serves, and whether another was refused. No word of its content. */
  notes(): Readonly<Record<string, Json>>
  close(): Promise<void>
}

export interface LivePolicyParts {
  readonly core: Core
  readonly sources: PolicySources
  readonly metrics: Metrics
  /** Appends one entry, durably. */
  readonly write: (event: AuditEvent) => Promise<string>
}

/** Follows the folder of the configuration until it is closed. */
export function openLivePolicy({ core, sources, metrics, write }: LivePolicyParts): LivePolicy {
  const { config, tools } = core
  let state = { digest: core.policy.inForce().digest, since: tools.now(), stale: false }
  const become = (next: Partial<typeof state>) => {
    state = { ...state, ...next }
    metrics.policy(state)
  }
  become({})
  const changed = async ({ next, previous, change }: ChangedPolicy): Promise<void> => {
    const { digest, warnings } = next
    const detail = changeSummary(change)
    const told = change === undefined ? {} : { change: change as unknown as Json }
    // Written down before it decides anything: no credential may name a policy that the log does not know.
    await write({ type: 'policy.changed', digest, previous, detail, ...told })
    core.policy.adopt(next)
    metrics.knows({ targets: [...next.policy.targets.keys()] })
    become({ digest, since: tools.now(), stale: false })
    void policyEnd.look()
    tools.log.info('policy changed', { digest, previous, detail, warnings: warnings.length, ...told })
  }
  const refused = async ({ digest, problems, detail }: RefusedPolicy): Promise<void> => {
    become({ stale: true })
    const faults = faultTexts(problems)
    const { digest: kept } = state
    const said = faults.length > 0 ? `${faults.length} faults` : detail
    tools.log.error('a changed policy was refused; the last good one stays', { digest, kept, detail, faults })
    metrics.policyRefused()
    const known = digest === undefined ? {} : { digest }
    await write({ type: 'policy.refused', ...known, kept, detail: said, faults: faults.slice(0, mostFaults) })
  }
  const policyEnd = openPolicyEnd({
    ...{ store: core.store, revoke: core.revoke, tools },
    policy: () => policyTerm(core.policy.inForce().digest),
    why: (lease, entry) =>
      // A session gives nothing by itself: what is asked for by it is decided each time.
      lease.kind === sessionKind
        ? undefined
        : whyNoLonger(core.policy.inForce(), lease, recordedAsker(entry), Math.floor(tools.now() / 1000)),
  })
  // Another policy may have been in force when this broker, or another one, was last running.
  void policyEnd.look()
  const reload = openReload({
    sources,
    inForce: core.policy.inForce(),
    read: () => readPolicyFolder(config.policies),
    check: (next, before, signal) => checkInThread({ next, before }, tools, signal),
    misfits: (next) => wiringFaults(config, next),
    changed,
    refused,
    settled: () => {
      if (state.stale) tools.log.info('the policy in force is in its folder again', { digest: state.digest })
      if (state.stale) become({ stale: false })
    },
    tools,
    ...times,
  })
  return {
    look: () => reload.look(),
    notes: () => ({ policy: { digest: state.digest, stale: state.stale } }),
    close: async () => {
      await reload.close()
      await policyEnd.close()
    },
  }
}

/** Warnings did not refuse it. */
function faultTexts(problems: readonly Problem[]): readonly string[] {
  return problems
    .filter(({ severity }) => severity === 'error')
    .map(({ path, line, column, code, message }) => `${path}:${line}:${column} ${code} ${message}`)
}

/** Decides by the policy in force now, and raises the alarm where only the second lock held. */
export function decideWith(core: Core, metrics: Pick<Metrics, 'guardrailHit'>) {
  return alarmed(
    (principal: Principal, wish: Wish, acting?: Principal) =>
      permit(core.policy.inForce(), principal, wish, acting),
    (failure, principal, wish) => {
      metrics.guardrailHit()
      core.tools.log.error('ALARM: a guardrail stopped what a grant allowed; the policy was proved wrongly', {
        reason: failure.reason,
        policy: core.policy.inForce().digest,
        issuer: principal.issuer,
        subject: principal.subject,
        target: wish.target ?? wish.resource,
      })
    },
  )
}

type Decide = (principal: Principal, wish: Wish, acting?: Principal) => Permission

/** `alarm` hears of every refusal that a guardrail caused although a grant matched. */
export function alarmed(
  decide: Decide,
  alarm: (failure: Failure, principal: Principal, wish: Wish) => void,
): Decide {
  return (principal, wish, acting) => {
    try {
      return decide(principal, wish, acting)
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.decision === 'guardrail') alarm(thrown, principal, wish)
      throw thrown
    }
  }
}
