/** The edge to the person and the process: nothing else of this package reads or writes them. */

export interface Terminal {
  /** The answer. Resolves when it may be followed by more. */
  readonly write: (text: string) => Promise<void>
  /** For the person: faults and hints, on standard error. */
  readonly tell: (line: string) => void
  /** As `tell`, but only while a person watches. */
  readonly progress: (line: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** All of standard input. */
  readonly readInput: () => Promise<string>
  /** Resolves when the user or the system asks us to stop; `signal` stops the waiting itself. */
  readonly untilStopped: (signal?: AbortSignal) => Promise<void>
  /** Calls `run` on each SIGHUP, which then no longer ends the process; the answer stops that. */
  readonly onHangUp: (run: () => void) => () => void
}

/** This process. */
export const processTerminal: Terminal = {
  write: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (fault) => (fault ? reject(fault) : resolve()))
    }),
  tell: (line) => {
    process.stderr.write(`${line}\n`)
  },
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`${line}\n`)
  },
  env: process.env,
  readInput: async () => {
    let text = ''
    for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
    return text
  },
  untilStopped: (signal) =>
    new Promise((resolve) => {
      // Without something to do a process ends, and waiting for a signal is nothing to do.
      const busy = setInterval(() => {}, 2 ** 30)
      const stop = () => {
        clearInterval(busy)
        for (const name of signals) process.off(name, stop)
        resolve()
      }
      for (const name of signals) process.on(name, stop)
      signal?.addEventListener('abort', stop)
    }),
  onHangUp: (run) => {
    process.on('SIGHUP', run)
    return () => void process.off('SIGHUP', run)
  },
}

const signals = ['SIGINT', 'SIGTERM'] as const
