import type { OutgoingMessage } from 'node:http'

const nothing = Buffer.alloc(0)

/**
 * Sends a head whose body is not there yet. Node's `flushHeaders` would write it as UTF-8: what came as one octet beyond
 * ASCII would leave as two. Where no body is allowed, the head leaves with the end.
 */
export function sendHead(message: OutgoingMessage): void {
  message.write(nothing)
}
