/** One connection of a caller, from its first byte to its last. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { asFailure, Failure } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Admitted, Ask } from '../../route.ts'
import { failureResponse } from './answers.ts'
import { int32, message, textAt, written } from './bytes.ts'
import { askCallables } from './callables.ts'
import { sessionParameters } from './parameters.ts'
import type { RunningRoute } from './running.ts'
import { Session } from './session.ts'
import { beginning } from './startup.ts'
import { Statements } from './statements.ts'
import { cancelThere, placeOf, signIn } from './upstream.ts'

/** Bytes of a password message: our tokens are below 8 KB. */
const longestPassword = 16_384

/** Never throws for what a caller or the server did; resolves when the connection is over. */
export async function serve(running: RunningRoute, socket: Socket): Promise<void> {
  const { tools, settings } = running
  const cancelLimit = tools.after(settings.sign_in_timeout * 1000, () => socket.destroy())
  let stream: Duplex = socket
  try {
    const begun = await beginning(socket, running.secure)
    if (begun.is === 'cancel') return await cancel(running, socket, begun.key)
    stream = begun.stream
    const ask = { route: settings.name, target: settings.target, action: 'session' }
    const admitted = await admit(running, stream, ask)
    const session = await open(running, stream, ask, admitted, begun.parameters)
    cancelLimit()
    await session()
  } catch (thrown) {
    refuse(running, stream, socket, asFailure(thrown))
  } finally {
    cancelLimit()
  }
}

/** RFC 6750's bearer token as a password: nothing but the token counts, so any user name will do. */
async function admit({ gate }: RunningRoute, stream: Duplex, ask: Omit<Ask, 'token'>): Promise<Admitted> {
  stream.write(written('R', int32(3)))
  const { type, body } = await message(stream, longestPassword)
  if (type !== 'p') throw new Failure('request_malformed', { reason: 'the caller sends no password' })
  const { text, next } = textAt(body, 0, body.length)
  if (next !== body.length) throw new Failure('request_malformed', { reason: 'the password does not end' })
  return await gate.admit({ ...ask, token: text === '' ? undefined : new Secret(text) })
}

async function open(
  running: RunningRoute,
  caller: Duplex,
  ask: Omit<Ask, 'token'>,
  admitted: Admitted,
  wanted: ReadonlyMap<string, string>,
): Promise<() => Promise<void>> {
  const { gate, tools, settings, sessions, cancels, check } = running
  const place = placeOf(await gate.upstream(admitted), running.reachOf)
  const parameters = sessionParameters(
    wanted,
    place,
    admitted.leaseId,
    gate.statements(admitted, settings.target),
  )
  const upstream = await signIn(place, parameters, tools, settings.sign_in_timeout * 1000)
  const judged = gate.statements(admitted, settings.target) !== undefined
  const callables = judged
    ? await limited(running, askCallables(upstream.socket), upstream.socket)
    : undefined
  if (caller.destroyed) {
    upstream.socket.destroy()
    return async () => {}
  }
  const session = new Session({
    ...{ caller, admitted, ask, gate, tools },
    upstream: upstream.socket,
    limits: { statement: settings.max_statement_bytes, bind: settings.max_values_bytes },
    idleMs: settings.idle_timeout * 1000,
    statements: new Statements(check(gate, admitted, callables)),
    hashKey: running.hashKey,
    stop: () => void cancelThere(place, upstream.cancelKey).catch(() => {}),
  })
  const key = cancels.add(place, upstream.cancelKey)
  sessions.add(session)
  caller.write(
    Buffer.concat([
      written('R', int32(0)),
      upstream.greeting,
      written('K', key),
      written('Z', Buffer.from('I')),
    ]),
  )
  return () =>
    session.carry().finally(() => {
      cancels.delete(key)
      sessions.delete(session)
    })
}

/** A server that does not come to an end with it is one that does not answer. */
async function limited<Found>(
  { tools, settings }: RunningRoute,
  asking: Promise<Found>,
  upstream: Duplex,
): Promise<Found> {
  const cancel = tools.after(settings.sign_in_timeout * 1000, () => upstream.destroy())
  try {
    return await asking
  } catch (cause) {
    upstream.destroy()
    throw new Failure('provider_unavailable', { reason: 'PostgreSQL: its functions cannot be told', cause })
  } finally {
    cancel()
  }
}

/** Nobody answers a cancellation, whether it was understood or not (protocol, "Canceling Requests in Progress"). */
async function cancel(
  { cancels, tools, settings }: RunningRoute,
  socket: Socket,
  key: string,
): Promise<void> {
  const known = cancels.find(key)
  if (known === undefined) tools.log.info('a cancellation has no session', { route: settings.name })
  else await cancelThere(known.place, known.key)
  socket.destroy()
}

function refuse({ tools, settings }: RunningRoute, stream: Duplex, socket: Socket, failure: Failure): void {
  const { code, reason, cause } = failure
  const id = failure.entry ?? newId('er', tools)
  tools.log.info('a session was refused', { route: settings.name, error_id: id, code, reason, cause })
  if (stream.destroyed) {
    socket.destroy()
    return
  }
  stream.end(failureResponse(failure, 'FATAL', id), () => socket.destroySoon())
}
