import { Transform } from 'node:stream'
import type { Meter } from '../../route.ts'

/** Carries bytes on once each piece is taken from the budget; without enough left it fails, and passes nothing of the piece. */
export function metered(meter: Meter): Transform {
  return new Transform({
    transform(piece: Buffer, _, done) {
      meter.take({ bytes: piece.length }).then(
        () => done(null, piece),
        (cause: unknown) => done(cause instanceof Error ? cause : new Error('not taken')),
      )
    },
  })
}
