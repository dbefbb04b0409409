import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Terminal } from '../../terminal.ts'
import { members } from '../read-log.ts'
import type { Site } from '../site.ts'
import { expect, type Stage } from '../stage.ts'

/** Step 6: the log is exported and proved; a copy with one changed byte is not, and the place is named. */
export async function logIsProved(stage: Stage, site: Site): Promise<void> {
  const file = join(stage.folder, 'log.jsonl')
  const exported = await mayfly(stage, ['audit', 'export', '--config', site.config])
  expect(exported.exitCode === 0, `the export failed: ${exported.told}`)
  writeFileSync(file, exported.text)
  const verify = (path: string, ...more: readonly string[]) => [
    ...['audit', 'verify', path, ...more],
    ...['--key', site.logKey],
  ]
  const whole = await mayfly(stage, verify(file))
  stage.say(`      ${whole.text.trim()}`)
  expect(whole.exitCode === 0, 'the log is not whole')

  const copy = join(stage.folder, 'log-with-one-flipped-byte.jsonl')
  const { line, entry } = flipByte(file, copy)
  stage.say(`    one byte is flipped in a copy: in line ${line}, which holds entry ${entry}`)
  const found = await mayfly(stage, verify(copy, '--json'))
  const { ok, at, reason } = members(found.text)
  expect(found.exitCode === 1 && ok === false, 'the flipped byte was not found')
  const place = (at ?? {}) as { line?: number; index?: number }
  stage.say(`      found in line ${place.line}, entry ${place.index}: ${String(reason)}`)
  expect(place.line === line && place.index === entry, 'the place was not named')
}

/** A letter of a claim in the middle of the file becomes another letter: still JSON, and plausible. */
function flipByte(file: string, copy: string): { line: number; entry: number } {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const position = lines.findIndex((line) => line.includes('"type":"credential.refused"'))
  const text = lines[position] ?? ''
  const at = text.indexOf('"environment":"') + '"environment":"'.length
  const bytes = Buffer.from(text)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  lines[position] = bytes.toString()
  writeFileSync(copy, `${lines.join('\n')}\n`)
  return { line: position + 1, entry: Number(/^\{"index":(\d+)/.exec(text)?.[1]) }
}

/** Runs a command of ours as an operator would type it. */
async function mayfly(stage: Stage, typed: readonly string[]) {
  const shown = typed.map((word) => (/^[\w./:+=-]+$/.test(word) ? word : `'${word}'`)).join(' ')
  stage.say(`    $ mayfly ${shown.replaceAll(`${stage.folder}/`, '')}`)
  const texts: string[] = []
  const told: string[] = []
  const terminal: Terminal = {
    write: async (text) => {
      texts.push(text)
    },
    tell: (line) => told.push(line),
    progress: () => {},
    env: {},
    readInput: async () => '',
    untilStopped: async () => {},
    onHangUp: () => () => {},
  }
  const exitCode = await stage.parts.mayfly(typed, terminal)
  return { exitCode, text: texts.join(''), told: told.join('\n') }
}
