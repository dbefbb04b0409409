import type { Writable } from 'node:stream'
import type { Tools } from '../base/tools.ts'
import type { Admitted, Gate } from './route.ts'

/** How long something may be carried after its lease ended. */
const everyMs = 1000

/**
 * Asks about the lease for as long as a request is being carried, and cuts the caller's connection when it is over: a
 * stream that was let in does not outlive its permission. When the store does not answer, it is over too. `over`: called once
 * the connection, or the answer, is at its end.
 */
export function watchLease(
  gate: Gate,
  admitted: Admitted,
  response: Writable,
  tools: Pick<Tools, 'after' | 'log'>,
  over: () => void = () => {},
): void {
  let cancel = () => {}
  const ask = async () => {
    const holds = await gate.holds(admitted).catch(() => false)
    if (response.destroyed || response.writableFinished) return
    if (holds) {
      cancel = tools.after(everyMs, () => void ask())
      return
    }
    tools.log.info('a request was cut: its lease is over', { lease: admitted.leaseId })
    response.destroy()
  }
  cancel = tools.after(everyMs, () => void ask())
  response.once('close', () => {
    cancel()
    over()
  })
}
