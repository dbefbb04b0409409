/** What has to be said yes to before anything is forwarded: the gate, the body, the budget, the record. */
import type { IncomingMessage } from 'node:http'
import { Failure } from '../../../base/failure.ts'
import type { Problem } from '../../bearer-error.ts'
import type { Admitted, Answered, Meter } from '../../route.ts'
import type { Asked } from './asked.ts'
import { carriedRequest } from './recorded.ts'
import type { Running } from './running.ts'
import { refusalOf } from './saying-no.ts'

export async function admit(
  running: Running,
  request: IncomingMessage,
  asked: Asked,
): Promise<Admitted | Problem> {
  const { settings, gate } = running
  const { token, fault, path, query, overrides } = asked
  const method = request.method ?? ''
  const { name: route, target } = settings
  const ask = {
    token,
    route,
    target,
    action: `${method} ${path}`,
    request: { method, path, query, overrides },
  }
  try {
    return await gate.admit(fault === undefined ? ask : { ...ask, fault })
  } catch (thrown) {
    return refusalOf(running, thrown)
  }
}

/** Where the job has a budget: one request less, and what of it was read already. */
export async function charged(
  running: Running,
  { method = '' }: IncomingMessage,
  asked: Asked,
  admitted: Admitted,
  body?: Buffer,
): Promise<Meter | Problem | undefined> {
  const { gate, settings } = running
  const { name: route, target } = settings
  const meter = gate.meter(admitted, { route, target, action: `${method} ${asked.path}` })
  try {
    const writes = admitted.writes === false ? 0 : 1
    await meter?.take({ calls: 1, writes, bytes: body?.length ?? 0 })
    return meter
  } catch (thrown) {
    return refusalOf(running, thrown)
  }
}

export function isSpent(cause: unknown): boolean {
  return cause instanceof Failure && cause.code === 'budget_spent'
}

export function mustRecord({ gate, settings }: Running): boolean {
  return gate.records(settings.target)
}

/** Where the policy asks for it: what is about to be forwarded is in the log, or will be. */
export async function record(
  running: Running,
  { method = '' }: IncomingMessage,
  asked: Asked,
  admitted: Admitted,
): Promise<{ readonly answered: Answered } | Problem | undefined> {
  const { gate, settings } = running
  const { name: route, target } = settings
  const ask = { route, target, action: `${method} ${asked.path}` }
  try {
    const answered = await gate.record(admitted, ask, () => carriedRequest(method, asked))
    return answered && { answered }
  } catch (thrown) {
    return refusalOf(running, thrown)
  }
}

/** Who asks, signed for the upstream, where the route says so. */
export function asserted({ settings, gate, pool }: Running, admitted: Admitted): { assertion?: string } {
  return settings.assertion === true ? { assertion: gate.assertion(admitted, pool.first.origin.origin) } : {}
}
