/** Brokers that run from a real `mayfly.yaml`: in this process, on a clock of the test, or in a process to kill. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { LogLevel } from '../../packages/broker/src/base/log.ts'
import type { Tools } from '../../packages/broker/src/base/tools.ts'
import { openBroker, type Running } from '../../packages/broker/src/broker.ts'
import type { Config } from '../../packages/broker/src/config/config.ts'
import { loadConfig } from '../../packages/broker/src/config/load.ts'
import { readPolicyFolder } from '../../packages/broker/src/decide/folder.ts'
import type { PolicySources } from '../../packages/broker/src/decide/policies.ts'
import { openFromFile } from '../../packages/broker/src/main.ts'
import { atEnd } from './at-end.ts'

export interface RunningBroker extends Running {
  /** Lines of its log so far. */
  readonly lines: readonly string[]
}

/** Opens the broker of a configuration in this process; it ends with the test. */
export async function runBroker(
  t: TestContext,
  path: string,
  logLevel: LogLevel = 'info',
): Promise<RunningBroker> {
  const lines: string[] = []
  const writeLog = (line: string) => void lines.push(line)
  const running = await openFromFile({ path, env: {}, logLevel, writeLog })
  atEnd(t, () => running.close())
  return { ...running, lines }
}

/** Opens the broker of a configuration in this process on effects of the test's own; it ends with the test. */
export async function runBrokerWith(t: TestContext, path: string, tools: Tools): Promise<Running> {
  const { config, sources } = await loadSite(path)
  const running = await openBroker(config, sources, tools)
  atEnd(t, () => running.close())
  return running
}

/** What `main.ts` reads before it opens anything. */
export async function loadSite(path: string): Promise<{ config: Config; sources: PolicySources }> {
  const read = (file: string) => readFile(file, 'utf8')
  const loaded = await loadConfig({ path, env: {}, readText: read, readFile: read })
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'))
  return { config: loaded.config, sources: await readPolicyFolder(loaded.config.policies) }
}

export interface BrokerProcess {
  readonly url: string
  readonly pid: number
  readonly routes: Running['routes']
  readonly logKey: string
  /** What it wrote to standard error: its log. */
  readonly log: () => string
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>
}

/** Starts the broker of a configuration in a process of its own; it is killed when the test ends. */
export async function startBrokerProcess(t: TestContext, path: string): Promise<BrokerProcess> {
  const child = fork(join(import.meta.dirname, 'broker-process.ts'), [path], {
    execArgv: ['--conditions=mayfly-source'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(dirname(path), 'compiled') },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const pieces: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => pieces.push(chunk.toString()))
  const log = () => pieces.join('')
  atEnd(t, () => kill(child))
  const said = await Promise.race([
    once(child, 'message').then(([message]) => message as Pick<Running, 'url' | 'routes' | 'logKey'>),
    once(child, 'exit').then(() => undefined),
  ])
  if (said === undefined) throw new Error(`the broker did not start:\n${log().slice(-2_000)}`)
  return { ...said, pid: child.pid ?? 0, log, kill: () => kill(child) }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
