import { Failure } from '../../base/failure.ts'
import type { Tools } from '../../base/tools.ts'
import type { Answer } from '../answer.ts'
import type { DialectDoors, Doors } from '../doors.ts'
import { recorded } from '../recorded.ts'

/** What dialects need of all that is behind the doors. */
export type DialectParts = Pick<Doors, 'exchange' | 'record' | 'undelivered' | 'tools' | 'dialects'>

/** How one of them is spoken. */
export interface Dialect<Name extends keyof DialectDoors> {
  readonly door: Name
  /** As the log names what came this way. */
  readonly via: string
  /** Any thrown value in its words. */
  readonly refuse: (thrown: unknown, tools: Tools) => Answer
}

/** Asks what is behind a dialect's door; every refusal is in the log, and comes back in the dialect's own words. */
export async function behind<Name extends keyof DialectDoors>(
  { door: name, via, refuse }: Dialect<Name>,
  parts: DialectParts,
  answered: (door: NonNullable<DialectDoors[Name]>) => Answer | Promise<Answer>,
): Promise<Answer> {
  const door = parts.dialects?.[name]
  try {
    if (door === undefined) throw new Failure('internal', { reason: `the dialect ${via} is not open` })
    return await answered(door)
  } catch (thrown) {
    return refuse(await recorded(thrown, via, parts), parts.tools)
  }
}
