import { Worker } from 'node:worker_threads'
import type { Tools } from '../base/tools.ts'
import type { CheckRequest, Verdict } from './check-worker.ts'

/** Far above what any policy takes; whoever writes one that needs more should hear of it. */
const limits = { ms: 120_000, megabytes: 2048 } as const

/**
 * Checks a changed policy in a thread of its own, so that requests are answered meanwhile (decision 0010). The
 * thread ends with its answer, or with `signal`. Rejects when there is none: no memory, no end, a fault of ours.
 */
export function checkInThread(
  request: CheckRequest,
  tools: Pick<Tools, 'after'>,
  signal?: AbortSignal,
): Promise<Verdict> {
  const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
  // Sources run as .ts, the published package as .js beside it.
  const fromSource = import.meta.url.endsWith('.ts')
  const worker = new Worker(new URL(`./check-worker${fromSource ? '.ts' : '.js'}`, import.meta.url), {
    workerData: { mayflyPolicy: request },
    execArgv: fromSource ? ['--conditions=mayfly-source'] : [],
    resourceLimits: { maxOldGenerationSizeMb: limits.megabytes },
    name: 'mayfly-policy',
  })
  worker.unref()
  const giveUp = (why: string) => {
    reject(new Error(why))
    void worker.terminate()
  }
  const cancel = tools.after(limits.ms, () =>
    giveUp(`the policy could not be checked within ${limits.ms / 1000} s`),
  )
  signal?.addEventListener('abort', () => giveUp('nobody waits for the check any more'), { once: true })
  worker.on('message', resolve)
  worker.on('error', reject)
  worker.on('exit', () => reject(new Error('the policy check ended without an answer')))
  return promise.finally(cancel)
}
