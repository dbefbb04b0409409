/** How many requests one connection may have under way at once, and how many may wait behind them. */
export interface PipelineLimits {
  readonly atOnce: number
  readonly waiting: number
}

/**
 * HTTP/1.1 lets a client send requests without waiting for answers (RFC 9112 9.3.2), and one small packet holds
 * thousands. Hardly anybody does: the first few run, some wait, and a connection that asks for more is to be closed.
 */
export const usualPipeline: PipelineLimits = { atOnce: 8, waiting: 64 }

/** False when the connection asked for more than it may: nothing ran, and the connection is to be closed. */
export type Pipeline = (connection: object, run: () => Promise<void>) => boolean

interface Line {
  running: number
  closed: boolean
  readonly waiting: (() => Promise<void>)[]
}

/** Counts by connection. `run` must not reject. */
export function openPipeline(limits: PipelineLimits = usualPipeline): Pipeline {
  const lines = new WeakMap<object, Line>()
  return (connection, run) => {
    const line = lines.get(connection) ?? { running: 0, closed: false, waiting: [] }
    lines.set(connection, line)
    // What else the packet held comes after the connection was given up.
    if (line.closed) return false
    if (line.running < limits.atOnce) start(line, run)
    else if (line.waiting.length < limits.waiting) line.waiting.push(run)
    else {
      line.closed = true
      line.waiting.length = 0
      return false
    }
    return true
  }
}

function start(line: Line, run: () => Promise<void>): void {
  line.running += 1
  void run().finally(() => {
    line.running -= 1
    const next = line.waiting.shift()
    if (next !== undefined) start(line, next)
  })
}
