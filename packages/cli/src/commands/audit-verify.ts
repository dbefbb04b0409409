import { createReadStream } from 'node:fs'
import { type Command, UsageFault } from '../command.ts'
import { jsonOption } from '../configured.ts'
import { readText } from '../input.ts'
import { json, printable } from '../table.ts'
import { isSystemError, unreadable } from '../unreadable.ts'

export const command: Command = {
  usage: '[options] FILE',
  about: `Needs no network and no broker. Without --key it proves only that the file fits itself: whoever can write the
file could have made a key of their own as well.`,
  options: {
    key: {
      type: 'string',
      value: 'KEY',
      summary: 'The log’s key, from elsewhere than the file: name+id+key',
    },
    checkpoint: {
      type: 'string',
      value: 'FILE',
      summary: 'A signed head that was kept: the file must extend it',
    },
    json: jsonOption,
  },
  words: { least: 1, most: 1 },
  examples: ["mayfly audit verify log.jsonl --key 'mayfly.example.com/log+1f2e3d4c+AbCd...'"],
  exits: { 0: 'the log is whole', 1: 'it is not: the line and the entry are named' },
  run: async (given, terminal) => {
    const [file = ''] = given.words
    const [key, kept] = ['key', 'checkpoint'].map((name) => given.text(name))
    const olderCheckpoint = kept === undefined ? undefined : `${await readText(kept, terminal)}\n`
    const { verifyExport } = await import('@mayfly/broker/audit/verify')
    if (key !== undefined) await checkKey(key)
    terminal.progress(`verifying ${printable(file)}`)
    const stream = createReadStream(file)
    await new Promise<void>((resolve, reject) => {
      stream.once('open', () => resolve())
      stream.once('error', (cause) => reject(unreadable('file', file, cause)))
    })
    const found = await verifyExport(stream, {
      ...(key === undefined ? {} : { trustedKeys: [key] }),
      ...(olderCheckpoint === undefined ? {} : { olderCheckpoint }),
    }).catch((thrown: unknown) => {
      throw isSystemError(thrown) ? unreadable('file', file, thrown) : thrown
    })
    if (given.flag('json')) await terminal.write(json(found))
    else if (found.ok) {
      const { size, origin, root, trusted } = found
      await terminal.write(`ok: ${size} entries of ${printable(origin)}, root ${root}\n`)
      if (!trusted) terminal.tell('No --key was given: the file fits itself, and nothing says who signed it.')
    } else {
      const entry = found.at.index === undefined ? '' : `, entry ${found.at.index}`
      await terminal.write(
        `not whole: ${printable(file)}, line ${found.at.line}${entry}: ${printable(found.reason)}\n`,
      )
    }
    return found.ok ? 0 : 1
  },
}

/** A key that is written wrongly says nothing about the log. */
async function checkKey(key: string): Promise<void> {
  const { parseVerifierKey } = await import('@mayfly/broker/audit/note')
  try {
    parseVerifierKey(key)
  } catch (cause) {
    throw new UsageFault(
      '--key is not the key of a log; it looks like mayfly.example.com/log+1f2e3d4c+AbCd...',
      {
        cause,
      },
    )
  }
}
