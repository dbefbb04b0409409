/** The load: `wrk`, one thread, requests written beforehand, each with the next of the tokens. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianProgram } from '../../test/fakes/debian-package.ts'
import { pinned } from '../child.ts'

export interface Loaded {
  readonly requests: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

export interface Wrk {
  /** Fails when an answer was none of 2xx, or a connection broke. */
  run(url: string, seconds: number): Promise<Loaded>
}

/** In flight at once: enough to keep the core of every contender busy. */
const connections = 32

const script = `
local wanted = {}
local at = 0
function init(args)
  for token in io.lines(args[1]) do
    local path = string.format("/orders/%d?expand=items", #wanted)
    wanted[#wanted + 1] = wrk.format("GET", path, {
      ["Host"] = "orders.example.com", ["Accept"] = "application/json", ["User-Agent"] = "bench/1.0",
      ["Authorization"] = "Bearer " .. token })
  end
end
function request()
  at = at % #wanted + 1
  return wanted[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('FIGURES {"requests":%d,"us":%d,"p50":%d,"p99":%d,"faults":%d}\\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`

/** Writes what wrk needs into `folder`. */
export function openWrk(folder: string, tokens: readonly string[]): Wrk {
  const wrk = debianProgram('/usr/bin/wrk', 'wrk')
  const [path, list] = [join(folder, 'wrk.lua'), join(folder, 'tokens')]
  writeFileSync(path, script)
  writeFileSync(list, `${tokens.join('\n')}\n`, { mode: 0o600 })
  return {
    async run(url, seconds) {
      const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', path, url, list]
      const [command, words] = pinned(1, wrk, args)
      const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      child.stdout.on('data', (piece) => {
        said += String(piece)
      })
      await once(child, 'close')
      return figuresOf(said, url)
    },
  }
}

function figuresOf(said: string, url: string): Loaded {
  const line = /^FIGURES (.*)$/m.exec(said)?.[1]
  if (line === undefined) throw new Error(`wrk could not load ${url}: ${said}`)
  const { requests = 0, us = 0, p50 = 0, p99 = 0, faults = 0 } = JSON.parse(line) as Record<string, number>
  if (faults > 0) throw new Error(`${faults} of ${requests} requests to ${url} failed`)
  return { requests, perSecond: (requests * 1e6) / us, p50: p50 / 1000, p99: p99 / 1000 }
}
