/** The edges: the only place of the broker that knows the clock, randomness, the disk and the process. */
import { randomBytes, randomFillSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Failure } from './base/failure.ts'
import { type LogLevel, openLogger } from './base/log.ts'
import type { Tools } from './base/tools.ts'
import { openBroker, type Running } from './broker.ts'
import type { Config } from './config/config.ts'
import { loadConfig } from './config/load.ts'
import { formatProblem } from './config/problem.ts'
import { readPolicyFolder } from './decide/folder.ts'
import { openPolicy, type PolicySources } from './decide/policies.ts'
import { openSeal } from './issue/seal.ts'
import { connectionWarnings, openIssuers, openTargets } from './kinds.ts'
import { type Office, openOffice } from './office.ts'
import { wiringFaults } from './wiring.ts'

export interface FileOptions {
  /** Path of `mayfly.yaml`. */
  readonly path: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly logLevel?: LogLevel
  /** Takes each line of the structured log; standard error when absent. */
  readonly writeLog?: (line: string) => void
}

/** The configuration cannot be used; the message shows every fault with its place. */
export class ConfigFault extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigFault'
  }
}

/** Random bytes that are drawn at once, and the largest request that is served from them. */
const drawn = { pool: 4096, largest: 32 } as const

/**
 * Random bytes for many small requests from one call, which costs more than the bytes do. Every byte is handed out
 * once and erased behind it.
 */
function pooledRandomBytes(): (size: number) => Uint8Array {
  const pool = new Uint8Array(drawn.pool)
  let at = pool.length
  return (size) => {
    if (size > drawn.largest) return randomBytes(size)
    if (at + size > pool.length) {
      randomFillSync(pool)
      at = 0
    }
    const bytes = pool.slice(at, at + size)
    pool.fill(0, at, at + size)
    at += size
    return bytes
  }
}

/** The real clock, randomness, timers and log. */
export function systemTools(level: LogLevel, write: (line: string) => void): Tools {
  const now = () => Date.now()
  return {
    now,
    randomBytes: pooledRandomBytes(),
    log: openLogger({ level, write, now }),
    after: (ms, run) => {
      const timer = setTimeout(run, ms)
      timer.unref()
      return () => clearTimeout(timer)
    },
  }
}

/** Opens the broker that a configuration file describes. Throws `ConfigFault`, `PolicyFault` or a `Failure`. */
export async function openFromFile(options: FileOptions): Promise<Running> {
  const { config, sources } = await load(options)
  return openBroker(config, sources, toolsOf(options, 'info'))
}

/** Opens the operator's side of the same configuration. */
export async function openOfficeFromFile(options: FileOptions): Promise<Office> {
  const { config, sources } = await load(options)
  return openOffice(config, sources, toolsOf(options, 'warn'))
}

export interface Checked {
  readonly config: Config
  /** Texts of the policy's warnings; faults are thrown. */
  readonly warnings: readonly string[]
  /** What the configuration's connections are warned of. */
  readonly connectionWarnings: readonly string[]
}

/** What the server does at start before it opens anything, and nothing else. */
export async function checkFile(options: FileOptions): Promise<Checked> {
  const { config, sources } = await load(options)
  const inForce = openPolicy(sources)
  const { warnings } = inForce
  const tools = toolsOf(options, 'error')
  openIssuers(config, tools)
  openSeal(config.keys.encryption, tools)
  await tryTargets(config, tools).catch((thrown: unknown) => {
    if (!(thrown instanceof Failure) || thrown.detail === undefined) throw thrown
    throw new ConfigFault(`${options.path}: ${thrown.detail}`)
  })
  const faults = wiringFaults(config, inForce)
  if (faults.length > 0) throw new ConfigFault(faults.map((fault) => `${options.path}: ${fault}`).join('\n'))
  return {
    config,
    warnings: warnings.map((warning) => `${warning.code} ${warning.message}`),
    connectionWarnings: connectionWarnings(config, inForce, tools.now()),
  }
}

/** Targets read their keys when they are opened; none of them makes anything or signs before it is asked to. */
async function tryTargets(config: Config, tools: Tools): Promise<void> {
  const unasked = () => {
    throw new Failure('internal', { reason: 'a target signed while it was opened' })
  }
  const keys = { signer: unasked }
  const sealed = { read: unasked, connection: undefined }
  const targets = openTargets({
    ...{ config, tools, keys, federationKeys: keys, sealed },
    longestToken: () => 0,
    through: unasked,
  })
  for (const target of targets.values()) await target.close?.()
}

function toolsOf(options: FileOptions, level: LogLevel): Tools {
  return systemTools(options.logLevel ?? level, options.writeLog ?? ((line) => process.stderr.write(line)))
}

async function load(options: FileOptions): Promise<{ config: Config; sources: PolicySources }> {
  const read = (path: string) => readFile(path, 'utf8')
  const loaded = await loadConfig({ path: options.path, env: options.env, readText: read, readFile: read })
  if (!loaded.ok) throw new ConfigFault(loaded.problems.map((problem) => formatProblem(problem)).join('\n'))
  const sources = await readPolicyFolder(loaded.config.policies).catch(() => {
    throw new ConfigFault(`${options.path}: the folder that \`policies\` names cannot be read`)
  })
  return { config: loaded.config, sources }
}
