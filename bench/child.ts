/**
 * A server under measurement: a child process bound to one core (where the system has `taskset`), which tells its
 * URL, and its CPU time and memory when asked. Every server of a benchmark is started the same way.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Usage {
  /** CPU seconds since start, user and system, all threads. */
  readonly cpu: number
  readonly rssBytes: number
}

export interface Child {
  readonly url: URL
  usage(): Promise<Usage>
  stop(): Promise<void>
}

const pins = spawnSync('taskset', ['--version']).status === 0

/** The command that runs `script` on `core`. */
export function pinned(core: number, command: string, args: readonly string[]): [string, string[]] {
  return pins ? ['taskset', ['-c', String(core), command, ...args]] : [command, [...args]]
}

/** Keeps this process, which makes the load, off the core of what it measures. */
export function pinSelf(core: number): void {
  if (pins && availableParallelism() > core)
    spawnSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)])
}

/** Starts `script` (relative to this folder) with one JSON argument, and waits until it says where it listens. */
export async function startChild(script: string, argument: unknown): Promise<Child> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const [command, args] = pinned(0, process.execPath, [
    '--conditions=mayfly-source',
    path,
    JSON.stringify(argument),
  ])
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const url = new URL(String(await nextMessage(child)))
  return {
    url,
    usage: async () => {
      child.send?.('usage')
      return (await nextMessage(child)) as Usage
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.send?.('stop')
      await ended
    },
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the server ended with ${code}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message)
    })
  })
}

/** The child's side: says the URL and answers questions. `stop` must end everything that keeps the process alive. */
export function report(url: string, stop: () => Promise<void>): void {
  process.send?.(url)
  process.on('message', (message) => {
    if (message === 'usage') {
      const { user, system } = process.cpuUsage()
      process.send?.({ cpu: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() })
    } else {
      void stop().then(() => process.disconnect?.())
    }
  })
}
