/** A request's body: on its way to the upstream, or no longer wanted by anybody. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Transform } from 'node:stream'
import { tidy } from '../../../base/tidy.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Meter } from '../../route.ts'
import { metered } from './metered.ts'
import { trailersOnward } from './trailers.ts'

/** What nobody wants is read to its end within this, so that its sender can read the answer. */
const unwanted = { bytes: 16_777_216, ms: 5_000 } as const

/** Bytes of an upload. */
const tidyAfter = 16_777_216

/**
 * Carries a body onward with back-pressure; the answer stops it. Before each piece the event loop turns once: an
 * upstream that answers early and closes is read before a write to its closed connection fails and hides the answer.
 */
export function upload(
  request: IncomingMessage,
  onward: ClientRequest,
  meter?: Meter,
  hides?: (name: string) => boolean,
): () => void {
  let untidied = 0
  const turn = new Transform({
    transform(piece: Buffer, _, done) {
      untidied += piece.length
      if (untidied > tidyAfter) {
        untidied = 0
        tidy()
      }
      setImmediate(done, null, piece)
    },
  })
  const counted = meter && metered(meter)
  // Nobody can take back what the upstream has: it hears that the rest does not come.
  counted?.once('error', (cause) => onward.destroy(cause))
  request.pipe(turn)
  const last = counted === undefined ? turn : turn.pipe(counted)
  // Before `pipe` ends it: what comes behind the body has to be said by then.
  last.once('end', () => {
    const trailers = trailersOnward(request.rawTrailers, hides)
    if (trailers.length > 0 && !onward.destroyed) onward.addTrailers(trailers)
  })
  last.pipe(onward)
  return () => {
    request.unpipe(turn)
    turn.unpipe()
    counted?.unpipe()
  }
}

/** Closing at once would reset the connection before the answer is read; reading for ever would serve a flood. */
export function drain(request: IncomingMessage, { after }: Pick<Tools, 'after'>): void {
  let bytes = 0
  const cut = () => request.socket.destroy()
  const cancel = after(unwanted.ms, cut)
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes > unwanted.bytes) cut()
  })
  request.once('close', cancel)
  request.once('end', cancel)
  request.resume()
}
