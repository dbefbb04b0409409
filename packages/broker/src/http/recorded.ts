import { asFailure, type Failure } from '../base/failure.ts'
import type { Doors } from './doors.ts'

/** What the exchange refused is in the log already; what did not even reach it is written down here. */
export async function recorded(
  thrown: unknown,
  via: string,
  { record }: Pick<Doors, 'record'>,
): Promise<Failure> {
  const failure = asFailure(thrown)
  if (failure.entry !== undefined || failure.code === 'internal') return failure
  const { code, reason } = failure
  return failure.recorded(await record({ type: 'credential.refused', code, reason, via }))
}
