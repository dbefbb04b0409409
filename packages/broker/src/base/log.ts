/** The structured log: one JSON object a line, in which no secret can stand. */
import { pino } from 'pino'
import { scrub } from './scrub.ts'
import type { Log } from './tools.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LoggerOptions {
  readonly level: LogLevel
  /** Takes one line with its end. */
  readonly write: (line: string) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Opens the log. Stacks are written at level `debug` only: they name files, and production needs the cause. */
export function openLogger(options: LoggerOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(options.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: options.write },
  )
  const stacks = options.level === 'debug'
  const at =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (logger.isLevelEnabled(level)) logger[level](scrub(fields, { stacks }), scrubbedMessage(message))
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Messages are constants by rule; this is for the day somebody forgets. */
function scrubbedMessage(message: string): string {
  return String(scrub({ message }, { stacks: false })['message'])
}
