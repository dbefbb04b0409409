/** Is the process alive, may requests come, how does it do. */
import { type Answer, json, plain } from './answer.ts'
import type { Doors } from './doors.ts'

/** Alive: it answers at all. A broken database is no reason to be restarted. */
export function answerHealth(): Answer {
  return json(200, { status: 'ok' })
}

/** 503 while draining, so that a load balancer looks elsewhere, and while something that requests need is broken. */
export async function answerReadiness(
  parts: Pick<Doors, 'ready' | 'notes' | 'tools'>,
  draining: boolean,
): Promise<Answer> {
  if (draining) return json(503, { status: 'draining' })
  try {
    const checks = await parts.ready()
    const ready = Object.values(checks).every((works) => works)
    return json(ready ? 200 : 503, {
      status: ready ? 'ready' : 'not ready',
      checks,
      ...(await parts.notes?.()),
    })
  } catch (cause) {
    parts.tools.log.warn('not ready', { cause })
    return json(503, { status: 'not ready' })
  }
}

/** The Prometheus text format. */
export async function answerMetrics(parts: Pick<Doors, 'metricsText'>): Promise<Answer> {
  return plain(200, 'text/plain; version=0.0.4; charset=utf-8', await parts.metricsText())
}
