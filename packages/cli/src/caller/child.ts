/** A program that runs in our place: it gets our input and output, our signals, and its exit code is ours. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const passed = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/**
 * Runs it to its end and answers with its exit code, 128 and the number of the signal that ended it, or 127 when there is
 * no such program, as shells do. `told` hears why it could not be started.
 */
export function runChild(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  told: (why: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...env }, stdio: 'inherit' })
    const pass = (signal: NodeJS.Signals) => {
      // A terminal sends it to the whole group already: twice would be once too often.
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal)
    }
    for (const signal of passed) process.on(signal, pass)
    const over = (code: number) => {
      for (const signal of passed) process.off(signal, pass)
      resolve(code)
    }
    child.on('error', (fault: NodeJS.ErrnoException) => {
      const absent = fault.code === 'ENOENT'
      told(
        absent
          ? `there is no program \`${program}\``
          : `\`${program}\` cannot be run (${fault.code ?? 'unknown'})`,
      )
      over(absent ? 127 : 126)
    })
    child.on('close', (code, signal) => over(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}
