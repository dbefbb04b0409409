import type { ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'

/** Says whether a request can have been seen: nothing of it is sent before its connection, and TLS on that, is there. */
export function sentOn(onward: ClientRequest): () => boolean {
  let isSent = false
  const open = () => {
    isSent = true
  }
  onward.once('socket', (socket: Duplex & { connecting?: boolean; secureConnecting?: boolean }) => {
    if (socket.secureConnecting === true) socket.once('secureConnect', open)
    else if (socket.connecting === true) socket.once('connect', open)
    else open()
  })
  return () => isSent
}
