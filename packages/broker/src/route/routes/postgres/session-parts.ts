/** What a session is given, what it follows from its beginning on, and what it says at its end. */
import type { Duplex } from 'node:stream'
import { Failure } from '../../../base/failure.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Admitted, Ask, Gate, Meter } from '../../route.ts'
import { errorResponse } from './answers.ts'
import type { Limits } from './caller-messages.ts'
import { MeteredStatements } from './metered.ts'
import { RecordedStatements } from './recorded.ts'
import type { Statements } from './statements.ts'

export interface SessionParts {
  readonly caller: Duplex
  readonly upstream: Duplex
  readonly admitted: Admitted
  readonly ask: Omit<Ask, 'token'>
  readonly gate: Gate
  readonly tools: Tools
  readonly limits: Limits
  readonly idleMs: number
  readonly statements: Statements
  /** What masks by hash are made with. */
  readonly hashKey: Uint8Array
  /** Asks the server to end what runs in this session. */
  readonly stop: () => void
}

/** Where the policy asks for it as the session begins. */
export function recordedOf({
  gate,
  admitted,
  ask,
  statements,
}: SessionParts): RecordedStatements | undefined {
  if (!gate.records(ask.target)) return undefined
  const { route, target } = ask
  return new RecordedStatements(
    (carried) => gate.record(admitted, { route, target, action: 'statement' }, carried),
    (name) => statements.textOf(name),
  )
}

/** Where the job has a budget as the session begins. */
export function meteredOf(meter: Meter | undefined, statements: Statements): MeteredStatements | undefined {
  const costOf = (name: string) => {
    const text = statements.textOf(name)
    return text === undefined ? undefined : statements.cost(text)
  }
  return meter && new MeteredStatements(meter, costOf)
}

/** It names a function by its number and has no statement that could be looked at. */
export const noFunctionCalls = new Failure('scope_refused', {
  detail: 'The message FunctionCall is not carried; call the function in a statement.',
})

const ending = { severity: 'FATAL', sqlstate: '57P01' } as const
export const shutDown = errorResponse({ ...ending, text: 'The route is closing.' })
export const tooIdle = errorResponse({
  ...ending,
  sqlstate: '57P05',
  text: 'The session was idle for too long.',
})
