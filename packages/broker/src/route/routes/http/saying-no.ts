/** How a route that speaks HTTP says no: what the caller may read, what the broker's own log keeps. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { asFailure, Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { bearerProblem, type Problem, problem } from '../../bearer-error.ts'
import { hasBody } from './fields.ts'
import type { Serving } from './served.ts'
import { drain } from './upload.ts'

/**
 * A request that two readers could read in two ways: its connection carries nothing else any more. It is in the log before
 * anybody hears of it; a target or a method of its own is not, because nobody knows how to read them.
 */
export async function unfit(
  serving: Serving,
  socket: Duplex,
  status: number,
  fault: string,
): Promise<Problem> {
  const { tools, connections, route, target, gate, answering } = serving
  connections.spoil(socket)
  answering.add(socket)
  const failure = new Failure('request_malformed', { reason: fault })
  const ask = { route, target, action: 'unfit' }
  const { entry } = await gate.refuse(undefined, ask, failure).finally(() => answering.delete(socket))
  const id = entry ?? newId('er', tools)
  // The entry has it; a line for each would let anybody fill the log of the process.
  tools.log.debug('a request was unfit', { route, error_id: id, fault })
  return problem(status, fault, id, status === 400 ? { error: 'invalid_request' } : {})
}

/** A refusal of the gate, which has recorded it. */
export function refusalOf({ route, tools }: Serving, thrown: unknown): Problem {
  const failure = asFailure(thrown)
  const id = failure.entry ?? newId('er', tools)
  if (failure.code === 'internal' || failure.code === 'provider_unavailable') {
    const { code, reason, cause } = failure
    tools.log.error('the gate could not decide', { route, error_id: id, code, reason, cause })
  }
  return bearerProblem(failure, id)
}

/** Answers with it. What the caller still sends is read for a while, so that it can read the answer. */
export function say(
  serving: Serving,
  request: IncomingMessage,
  response: ServerResponse,
  answer: Problem,
): void {
  if (response.destroyed) return
  const unread = !request.complete && hasBody(request.rawHeaders)
  const headers = [...answer.headers, 'Content-Length', String(Buffer.byteLength(answer.body))]
  if (serving.closing || serving.connections.isSpoilt(request.socket)) headers.push('Connection', 'close')
  response.writeHead(answer.status, headers)
  response.end(request.method === 'HEAD' ? undefined : answer.body)
  if (unread) drain(request, serving.tools)
}
