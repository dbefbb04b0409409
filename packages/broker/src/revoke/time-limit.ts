import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'

/** What `work` answers, or `Failure('provider_unavailable')` when it takes longer. The work itself goes on unheard. */
export async function withinTime<T>(
  tools: Pick<Tools, 'after'>,
  ms: number,
  work: () => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const cancel = tools.after(ms, () =>
    late.reject(new Failure('provider_unavailable', { reason: `no answer within ${ms} ms` })),
  )
  try {
    return await Promise.race([work(), late.promise])
  } finally {
    cancel()
  }
}
