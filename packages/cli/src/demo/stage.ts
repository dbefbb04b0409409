/** What every step of the story works with. */
import { printable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { fold } from './fold.ts'
import type { DemoParts } from './parts.ts'
import { type KnownSecrets, openSecrets } from './secrets.ts'
import { showMessage } from './show.ts'
import { openWire, type Wire } from './wire.ts'

export interface Stage {
  readonly parts: DemoParts
  /** A folder of this run alone; it is removed in the end. */
  readonly folder: string
  readonly secrets: KnownSecrets
  readonly wire: Wire
  /** Everything that was said so far, in lines as long as they are: a secret in them is in one piece. */
  readonly transcript: readonly string[]
  readonly say: (line: string) => void
  /** Says what went over the wire since the last time. */
  readonly showWire: () => void
  /** Called in the opposite order when the demo ends, whatever happened. */
  readonly onClose: (close: () => unknown) => void
  readonly close: () => Promise<void>
}

/** A step that did not do what it says. */
export class StepFault extends Error {
  override readonly name = 'StepFault'
}

/** Throws what a reader needs to know when something that was promised does not hold. */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new StepFault(otherwise)
}

function folded(lines: string): string {
  return lines
    .split('\n')
    .flatMap((line) => fold(printable(line)))
    .join('\n')
}

export function openStage(parts: DemoParts, terminal: Terminal, folder: string): Stage {
  const secrets = openSecrets()
  const wire = openWire()
  const transcript: string[] = []
  const closings: (() => unknown)[] = []
  let written = Promise.resolve()
  let unheard: Error | undefined
  const say = (line: string) => {
    // Nobody reads any more (`npm start | head`): no reason to go on.
    if (unheard !== undefined) throw unheard
    transcript.push(line)
    written = written
      .then(() => terminal.write(`${folded(line)}\n`))
      .catch((cause: unknown) => {
        unheard = new Error('nobody reads what is written', { cause })
      })
  }
  return {
    parts,
    folder,
    secrets,
    wire,
    transcript,
    say,
    showWire: () => {
      for (const message of wire.take()) {
        for (const line of showMessage(message, secrets)) say(`      ${line}`)
      }
    },
    onClose: (close) => closings.push(close),
    close: async () => {
      for (const close of closings.toReversed()) await close()
      await written
    },
  }
}
