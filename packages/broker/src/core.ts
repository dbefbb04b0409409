/**
 * core: what the server and the operator's commands share: the store, the policy in force, the keys, the targets and
 * the way a lease ends. Opened in order, closed in the opposite order.
 */
import { openRecorder, type Recorder } from './audit/recorder.ts'
import type { Tools } from './base/tools.ts'
import type { Config } from './config/config.ts'
import { openPolicy, type PolicyInForce, type PolicySources } from './decide/policies.ts'
import type { AuditEvent } from './domain.ts'
import { type HandleSeal, openHandleSeal } from './issue/handle.ts'
import { type Keys, openKeys } from './issue/keys.ts'
import { type LogKey, openLogKey } from './issue/log-key.ts'
import { openSeal } from './issue/seal.ts'
import type { Target } from './issue/target.ts'
import { openStore, openTargets } from './kinds.ts'
import { openRevoke, type Revoke } from './revoke/revoke.ts'
import type { Store } from './store/store.ts'

/** How long others may keep our JWK Set: `Cache-Control: max-age` of the door that serves it. */
const jwksCacheSeconds = 300

export interface Core {
  readonly config: Config
  readonly tools: Tools
  readonly store: Store
  /** The policy in force now; ask anew for each request. */
  readonly inForce: () => PolicyInForce
  /** Puts another policy into force, in one step. It fits: `wiringFaults` found nothing. */
  readonly adopt: (next: PolicyInForce) => void
  readonly record: Recorder
  readonly keys: Keys
  readonly logKey: LogKey
  readonly handles: HandleSeal
  readonly targets: ReadonlyMap<string, Target>
  readonly revoke: Revoke
  close(): Promise<void>
}

/**
 * Throws `PolicyFault` or a `Failure` that says what is missing; what was opened by then is closed again. `listen`
 * hears of every event that is about to be written, to count it.
 */
export async function openCore(
  config: Config,
  sources: PolicySources,
  tools: Tools,
  listen: (event: AuditEvent) => void = () => {},
): Promise<Core> {
  const policy = holdPolicy(openPolicy(sources))
  const seal = openSeal(config.keys.encryption, tools)
  const store = await openStore(config.store, tools)
  try {
    const record = openRecorder(tools)
    const recordChange = (event: AuditEvent) => {
      listen(event)
      return record(event).change
    }
    const keys = await openKeys({
      store,
      seal,
      tools,
      record: recordChange,
      purpose: 'token',
      rotateEverySeconds: config.keys.rotate_every,
      get maxTokenSeconds() {
        return policy.longestToken()
      },
      cacheSeconds: jwksCacheSeconds,
    })
    const logKey = await openLogKey({
      store,
      seal,
      tools,
      record: recordChange,
      keyName: originOf(config.url),
    })
    const { inForce, adopt, longestToken } = policy
    const targets = openTargets({ config, keys, longestToken }, inForce())
    const handles = openHandleSeal(seal)
    const revoke = openRevoke({
      store,
      tools,
      record: recordChange,
      target: (kind) => targets.get(kind),
      openHandle: (lease) => handles.open(lease),
    })
    const close = async () => {
      await keys.close()
      for (const target of targets.values()) await target.close?.()
      await store.close()
    }
    return { config, tools, store, inForce, adopt, record, keys, logKey, handles, targets, revoke, close }
  } catch (thrown) {
    await store.close()
    throw thrown
  }
}

/** The policy in force, and the longest life of a token that any policy gave since the start. */
function holdPolicy(first: PolicyInForce) {
  let current = first
  let longest = longestOf(first)
  return {
    inForce: () => current,
    adopt: (next: PolicyInForce) => {
      // Tokens of the policy before live on: the time for which keys stay published only grows.
      longest = Math.max(longest, longestOf(next))
      current = next
    },
    longestToken: () => longest,
  }
}

function longestOf({ policy }: PolicyInForce): number {
  return Math.max(60, ...[...policy.targets.values()].map((target) => target.maxSeconds))
}

/** The log's name, as its signatures carry it (C2SP checkpoint: the origin is a URL without its scheme). */
export function originOf(url: string): string {
  return `${url.replace(/^https?:\/\//, '')}/log`
}
