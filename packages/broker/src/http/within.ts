import { Failure } from '../base/failure.ts'
import type { Tools } from '../base/tools.ts'

/** What `work` answers, or `provider_unavailable` when it takes longer. The work itself goes on unheard. */
export function within<T>(ms: number, work: Promise<T>, tools: Pick<Tools, 'after'>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Failure('provider_unavailable', { reason: `no answer within ${ms} ms` }))
    const cancel = tools.after(ms, late)
    work.then(resolve, reject).finally(cancel)
  })
}
