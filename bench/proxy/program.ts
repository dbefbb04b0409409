/** A program of the system under measurement: bound to a core, its CPU time read from /proc, ended with the bench. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { pinned } from '../child.ts'

export interface Program {
  /** CPU seconds since start of it and of what it started, user and system. */
  cpu(): number
  stop(): Promise<void>
}

/** Starts `command` on `core` and waits until `port` of loopback accepts. */
export async function startProgram(
  core: number,
  command: readonly [string, ...string[]],
  port: number,
): Promise<Program> {
  const [path, args] = pinned(core, command[0], command.slice(1))
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  const fault = await Promise.race([
    accepts(port).then(() => undefined),
    ended.then(([code]) => new Error(`${command[0]} ended with ${code}`)),
  ])
  if (fault !== undefined) throw fault
  const end = () => child.kill('SIGKILL')
  process.on('exit', end)
  return {
    cpu: () => cpuOfTree(child.pid ?? 0),
    stop: async () => {
      process.off('exit', end)
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A port that was free a moment ago: these programs cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function accepts(port: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on port ${port}`)
}

/** Clock ticks of Linux are hundredths of a second (`getconf CLK_TCK`). */
function cpuOfTree(root: number): number {
  const parents = new Map<number, { parent: number; ticks: number }>()
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const stat = statOf(name)
    // What follows the last bracket: the name of a program may hold spaces (proc_pid_stat(5)).
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
    parents.set(Number(name), { parent: fields[1] ?? 0, ticks: user + system + endedUser + endedSystem })
  }
  const isBelow = (pid: number): boolean => pid === root || isBelow2(parents.get(pid)?.parent ?? 0)
  const isBelow2 = (pid: number): boolean => pid !== 0 && isBelow(pid)
  let ticks = 0
  for (const [pid, each] of parents) if (isBelow(pid)) ticks += each.ticks
  return ticks / 100
}

function statOf(name: string): string {
  try {
    return readFileSync(`/proc/${name}/stat`, 'latin1')
  } catch {
    return ''
  }
}
