/**
 * core: what the server and the operator's commands share: the store, the policy in force, the keys, the targets and
 * the way a lease ends. Opened in order, closed in the opposite order. It has no door and issues nothing. `broker.ts`
 * opens it and puts `doorway.ts` (for callers) before it, `office.ts` opens it for the operator.
 */
import { openRecorder, type Recorder } from './audit/recorder.ts'
import type { Tools } from './base/tools.ts'
import type { Config } from './config/config.ts'
import { claimsRead } from './decide/claims-read.ts'
import { type HeldPolicy, holdPolicy } from './decide/held-policy.ts'
import type { PolicyInForce } from './decide/policies.ts'
import type { AuditEvent } from './domain.ts'
import { federationSeconds } from './issue/federation.ts'
import { type HandleSeal, openHandleSeal } from './issue/handle.ts'
import { type Keys, openKeys } from './issue/keys.ts'
import { type LogKey, openLogKey } from './issue/log-key.ts'
import { openSeal, type Seal } from './issue/seal.ts'
import { openSealedSecrets, type SealedSecrets } from './issue/sealed-secrets.ts'
import { sessionKind, sessionLease } from './issue/session-lease.ts'
import type { Target } from './issue/target.ts'
import { needsFederation, openLeaseTokens, openStore, openTargets, openWraps } from './kinds.ts'
import { openRevoke, type Revoke } from './revoke/revoke.ts'
import { openSwitches, type Switches } from './revoke/switches.ts'
import { type Connectors, openConnectors } from './route/connectors/connectors.ts'
import type { Store } from './store/store.ts'

/** How long others may keep our JWK Set: `Cache-Control: max-age` of the door that serves it. */
const jwksCacheSeconds = 300

export interface Core {
  readonly config: Config
  readonly tools: Tools
  readonly store: Store
  readonly policy: HeldPolicy
  readonly record: Recorder
  readonly keys: Keys
  /** For clouds that trust our tokens; only where a connection needs them. */
  readonly federationKeys: Keys | undefined
  readonly logKey: LogKey
  readonly seal: Seal
  readonly handles: HandleSeal
  readonly sealed: SealedSecrets
  readonly targets: ReadonlyMap<string, Target>
  /** Who dialled us from networks that we cannot reach; nobody, in the operator's commands. */
  readonly connectors: Connectors
  /** Tokens of ours that stand for a lease of another kind. */
  readonly leaseTokens: Pick<Target, 'issue'>
  readonly revoke: Revoke
  readonly switches: Switches
  close(): Promise<void>
}

/**
 * Throws a `Failure` that says what is missing; what was opened by then is closed again. `first` is the policy in
 * force from the start; an operator's commands work without one. `listen` hears of every event that is about to be written, to count it.
 */
export async function openCore(
  config: Config,
  first: PolicyInForce | undefined,
  tools: Tools,
  listen: (event: AuditEvent) => void = () => {},
): Promise<Core> {
  const policy = holdPolicy(first)
  const seal = openSeal(config.keys.encryption, tools)
  const store = await openStore(config.store, tools)
  try {
    const record = openRecorder(tools, (issuer, claims) =>
      first === undefined ? {} : claimsRead(policy.inForce(), issuer, claims),
    )
    const recordChange = (event: AuditEvent) => {
      listen(event)
      return record(event).change
    }
    const shared = {
      ...{ store, seal, tools, record: recordChange },
      rotateEverySeconds: config.keys.rotate_every,
      cacheSeconds: jwksCacheSeconds,
    }
    const keys = await openKeys({
      ...shared,
      purpose: 'token',
      get maxTokenSeconds() {
        return policy.longestToken()
      },
    })
    // A key that no cloud asks for would only be one more to lose.
    const federationKeys = needsFederation(config)
      ? await openKeys({
          ...shared,
          purpose: 'federation',
          algorithm: 'RS256',
          maxTokenSeconds: federationSeconds,
        })
      : undefined
    const logKey = await openLogKey({
      store,
      seal,
      tools,
      record: recordChange,
      keyName: originOf(config.url),
    })
    const sealed = openSealedSecrets({ wraps: openWraps(config, seal, tools), store, tools })
    const { longestToken } = policy
    const connectors = openConnectors({ connectors: config.connectors, tools })
    const { through } = connectors
    const targetParts = { config, tools, keys, federationKeys, longestToken, sealed, through }
    const targets = new Map([...openTargets(targetParts), [sessionKind, sessionLease]])
    const leaseTokens = openLeaseTokens(targetParts)
    const handles = openHandleSeal(seal)
    const revoke = openRevoke({
      store,
      tools,
      record: recordChange,
      target: (kind) => targets.get(kind),
      openHandle: (lease) => handles.open(lease),
    })
    const switches = openSwitches({ store, revoke, record: recordChange, tools })
    const close = async () => {
      await keys.close()
      await federationKeys?.close()
      for (const target of targets.values()) await target.close?.()
      await store.close()
    }
    return {
      config,
      tools,
      store,
      policy,
      record,
      keys,
      federationKeys,
      logKey,
      seal,
      handles,
      sealed,
      targets,
      connectors,
      leaseTokens,
      revoke,
      switches,
      close,
    }
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

/** The log's name, as its signatures carry it (C2SP checkpoint: the origin is a URL without its scheme). */
export function originOf(url: string): string {
  return `${url.replace(/^https?:\/\//, '')}/log`
}
