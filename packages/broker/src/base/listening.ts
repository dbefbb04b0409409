import type { AddressInfo, Server } from 'node:net'
import type { Address } from './address.ts'
import { Failure } from './failure.ts'

/**
 * Listens and answers with the URL. `key` is where the address stands in the configuration: who reads why it did not
 * work is to know what to change.
 */
export async function listenOn(server: Server, address: Address, key: string): Promise<string> {
  const { host, port } = address
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => reject(listenFault(cause, address, key))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      resolve()
    })
  })
  return urlOf(server.address() as AddressInfo)
}

function urlOf({ address, port }: Pick<AddressInfo, 'address' | 'port'>): string {
  return `http://${written(address, port)}`
}

function written(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function listenFault(cause: NodeJS.ErrnoException, { host, port }: Address, key: string): Failure {
  const place = written(host, port)
  const code = cause.code ?? 'unknown'
  return new Failure('internal', { reason: `cannot listen on ${place} (${code}): ${mend(code, key)}`, cause })
}

function mend(code: string, key: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another process listens there; stop it, or write another address as ${key}`
    case 'EACCES':
      return `this user may not listen there; write a port from 1024 up as ${key}, or allow the process lower ones`
    case 'EADDRNOTAVAIL':
      return `this machine does not have that address; write one that it has as ${key}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `nobody knows that name; write an address of this machine as ${key}`
    default:
      return `the address is that of ${key}`
  }
}
