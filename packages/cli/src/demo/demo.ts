/**
 * demo: the main job of Mayfly on this machine, without a network. It owns the story and what it needs around the
 * broker (a stand-in for GitHub, a runner, a place on the wire); it never goes around the broker's own doors.
 * The command `mayfly demo` and the story's test call it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExitCode } from '../command.ts'
import type { Terminal } from '../terminal.ts'
import { explore } from './explore.ts'
import type { DemoParts } from './parts.ts'
import { openStage } from './stage.ts'
import { tell } from './story.ts'

export interface DemoOptions {
  /** End after the story instead of waiting for Ctrl-C. */
  readonly once: boolean
}

/** Tells the story; the last line says `mayfly demo: ok`, or names the step that failed. */
export async function runDemo(
  parts: DemoParts,
  terminal: Terminal,
  { once }: DemoOptions,
): Promise<ExitCode> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-demo-'))
  const stage = openStage(parts, terminal, folder)
  stage.onClose(() => rmSync(folder, { recursive: true, force: true }))
  const over = new AbortController()
  const stopped = terminal.untilStopped(over.signal)
  try {
    const told = tell(stage)
    // When the user stops us first, nobody waits for the story any more.
    told.catch(() => {})
    const site = await Promise.race([told, stopped])
    if (site === undefined) throw new Error('stopped')
    if (!once) {
      stage.say('\nmayfly demo: ok')
      await explore(stage, site)
      await stopped
    }
    await stage.close()
    if (once) await terminal.write('\nmayfly demo: ok\n')
    return 0
  } catch (thrown) {
    await stage.close().catch(() => {})
    const why = thrown instanceof Error ? thrown.message : 'something unexpected was thrown'
    await terminal.write(`\nmayfly demo: ${why}\n`).catch(() => {})
    return 1
  } finally {
    over.abort()
  }
}
