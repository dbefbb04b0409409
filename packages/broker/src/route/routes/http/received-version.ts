import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Connections in memory on which a request of HTTP/2 is said again in HTTP/1.1. */
const saidAgain = new WeakSet<object>()

/** What comes on this connection was received by HTTP/2. */
export function markSecondVersion(side: Duplex): void {
  saidAgain.add(side)
}

/** The version by which the caller sent it (RFC 9110 7.6.3, `received-protocol`). */
export function receivedVersion({ socket, httpVersion }: IncomingMessage): string {
  return saidAgain.has(socket) ? '2.0' : httpVersion
}
