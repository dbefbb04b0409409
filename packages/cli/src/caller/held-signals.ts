/** While something is held that must be given back, a signal does not end this process at once. */
import { constants } from 'node:os'

export interface HeldSignals {
  /** The exit code that the first signal asks for; `undefined` while none came. */
  readonly code: () => number | undefined
  /** Aborted by the second one: whoever sends two does not wait for a broker that does not answer. */
  readonly impatient: AbortSignal
  letGo(): void
}

const held = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function holdSignals(): HeldSignals {
  const controller = new AbortController()
  let code: number | undefined
  const take = (signal: NodeJS.Signals) => {
    if (code !== undefined) controller.abort(new Error(`stopped by ${signal}`))
    code ??= 128 + constants.signals[signal]
  }
  for (const signal of held) process.on(signal, take)
  return {
    code: () => code,
    impatient: controller.signal,
    letGo() {
      for (const signal of held) process.off(signal, take)
    },
  }
}
