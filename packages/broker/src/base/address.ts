import { isIPv6 } from 'node:net'
import { z } from 'zod'

/** Where something listens. */
export interface Address {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`; `undefined` when it is not written so. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, six, other] = match
  const port = Number(match[3])
  if (port > 65_535 || (six !== undefined && !isIPv6(six))) return undefined
  return { host: six ?? other ?? '', port }
}

/** An address in a configuration file. */
export const address = z.string().transform((text, context) => {
  const parsed = parseAddress(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: 'is not an address; write 127.0.0.1:8080 or [::1]:8080' })
  return z.NEVER
})

/** True when both cannot listen at once: same port, and same host or one of them everywhere. */
export function collide(one: Address, other: Address): boolean {
  if (one.port !== other.port || one.port === 0) return false
  const everywhere = ['0.0.0.0', '::']
  return one.host === other.host || everywhere.includes(one.host) || everywhere.includes(other.host)
}

/** True for names and addresses that never leave this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host)
}
