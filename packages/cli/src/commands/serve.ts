import type { Running } from '@mayfly/broker/broker'
import { type Command, type ExitCode, UsageFault } from '../command.ts'
import { configOption, configPath, withConfiguration } from '../configured.ts'
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

export const command: Command = {
  usage: '[options]',
  about: `Runs until SIGINT or SIGTERM, then finishes what was accepted. It follows the folder of its policy by itself;
SIGHUP makes it look now. Its log goes to standard error, one JSON object a line; where it listens goes to standard
output.`,
  options: {
    config: configOption,
    'log-level': { type: 'string', value: 'LEVEL', summary: `${levels.join(', ')}; default: info` },
  },
  words: { least: 0, most: 0 },
  examples: ['mayfly serve --config mayfly.yaml'],
  run: async (given, terminal) => {
    const wanted = given.text('log-level') ?? 'info'
    const logLevel = levels.find((level) => level === wanted)
    if (logLevel === undefined) throw new UsageFault(`--log-level is one of ${levels.join(', ')}`)
    const over = new AbortController()
    const stopped = terminal.untilStopped(over.signal)
    const { openFromFile } = await import('@mayfly/broker/main')
    const options = { path: configPath(given), env: terminal.env, logLevel }
    try {
      return await serve(
        await withConfiguration(options.path, () => openFromFile(options)),
        stopped,
        terminal,
      )
    } finally {
      over.abort()
    }
  },
}

/** Says where it listens, waits, and closes without losing what was accepted. */
async function serve(running: Running, stopped: Promise<void>, terminal: Terminal): Promise<ExitCode> {
  const deaf = terminal.onHangUp(() => void running.reloadPolicy())
  await terminal.write(`mayfly listens on ${printable(running.url)}\n`)
  for (const { name, url } of running.routes)
    await terminal.write(`route ${printable(name)} listens on ${printable(url)}\n`)
  await terminal.write(`log key ${printable(running.logKey)}\n`)
  await stopped
  deaf()
  await running.close()
  return 0
}
