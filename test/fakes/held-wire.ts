/** A wire to a TCP server that holds one message of those that pass, so that a test can end a process in that moment. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** `before`: the server never saw the message; `after`: it did what was asked, and its answer was not passed on. */
export type Moment = 'before' | 'after'

export interface HeldWire {
  readonly port: number
  /** Holds the message with this number, from 1, of those that clients send from now on; resolves when it is held. */
  hold(at: number, moment: Moment): Promise<void>
  /** Everything passes again; connections that had something held are cut. */
  release(): void
  close(): Promise<void>
}

interface Hold {
  left: number
  readonly moment: Moment
  readonly reached: () => void
}

/** Opens one before `host` and `port`. */
export async function openHeldWire(host: string, port: number): Promise<HeldWire> {
  const open = new Set<Socket>()
  const held = new Set<Socket>()
  let hold: Hold | undefined
  const server = createServer((client) => {
    const upstream = connect(port, host)
    /** This connection's message was held: nothing of it goes on, in any direction. */
    let silent: Hold | undefined
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        upstream.destroy()
        // A server that closes what it answered is not heard either: the client goes on waiting.
        if (silent === undefined) client.destroy()
        else silent.reached()
      })
    }
    upstream.on('data', (bytes: Buffer) => {
      if (silent === undefined) client.write(bytes)
      else silent.reached()
    })
    client.on('data', (bytes: Buffer) => {
      // What follows a message that was passed on shows that nobody waited for an answer to it.
      if (silent !== undefined) return silent.reached()
      if (hold !== undefined && hold.left-- === 1) {
        silent = hold
        held.add(client)
        if (hold.moment === 'before') return hold.reached()
      }
      upstream.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    hold(at, moment) {
      const reached = Promise.withResolvers<void>()
      hold = { left: at, moment, reached: reached.resolve }
      return reached.promise
    },
    release: () => {
      hold = undefined
      for (const socket of held) socket.destroy()
      held.clear()
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
