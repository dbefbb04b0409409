/**
 * bulkhead: a provider that is slow or down hurts nobody else. For each connection there is a limit of calls at once,
 * and after some failures in a row a pause in which nobody is made to wait for the next one. How long one call may
 * take is the target's own: only it knows when nothing more can come into being.
 */
import { asFailure, Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'

/** Calls at once to one connection; more are refused at once, because waiting would only pile up. */
const MOST_AT_ONCE = 32
const FAILURES_IN_A_ROW = 5
const PAUSE_MS = 10_000

interface Compartment {
  running: number
  failures: number
  /** Milliseconds since 1970; before it nothing is tried. */
  closedUntil: number
}

export interface Bulkhead {
  /**
   * Runs `work` for a connection. Throws what it throws, and `provider_unavailable` when the connection is full or
   * while it is paused.
   */
  run<T>(connection: string, work: () => Promise<T>): Promise<T>
}

export function openBulkhead(tools: Pick<Tools, 'now' | 'log'>): Bulkhead {
  const compartments = new Map<string, Compartment>()
  return {
    async run(connection, work) {
      const own = compartments.get(connection) ?? { running: 0, failures: 0, closedUntil: 0 }
      compartments.set(connection, own)
      if (tools.now() < own.closedUntil) throw unavailable(`${connection} is paused after failures in a row`)
      if (own.running >= MOST_AT_ONCE) throw unavailable(`${connection} has ${MOST_AT_ONCE} calls running`)
      own.running++
      try {
        const result = await work()
        own.failures = 0
        return result
      } catch (thrown) {
        note(own, connection, thrown, tools)
        throw thrown
      } finally {
        own.running--
      }
    },
  }
}

/** Only a provider that does not answer counts: what it refuses, it answered. */
function note(
  own: Compartment,
  connection: string,
  thrown: unknown,
  tools: Pick<Tools, 'now' | 'log'>,
): void {
  if (asFailure(thrown).code !== 'provider_unavailable') {
    own.failures = 0
    return
  }
  own.failures++
  if (own.failures < FAILURES_IN_A_ROW) return
  own.closedUntil = tools.now() + PAUSE_MS
  tools.log.warn('a connection is paused', { connection, failures: own.failures, pause_ms: PAUSE_MS })
}

function unavailable(reason: string): Failure {
  return new Failure('provider_unavailable', { reason })
}
