import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { selfSigned } from '../../test/fakes/certificate.ts'
import { debianFile, debianProgram } from '../../test/fakes/debian-package.ts'
import { startChild } from '../child.ts'
import {
  apacheVerifying,
  haproxyVerifying,
  nginxProxy,
  nginxUpstream,
  type Setting,
} from './configurations.ts'
import { audience, type Place } from './place.ts'
import { freePort, type Program, startProgram } from './program.ts'

/** Something that carries requests to the upstream. */
export interface Contender {
  readonly name: string
  readonly url: string
  /** Whether a request without a good token is turned away. */
  readonly checks: boolean
  /** CPU seconds since its start. */
  cpu(): Promise<number> | number
  stop(): Promise<void>
}

/** The API behind them all, on the core of the load. */
export async function startUpstream(folder: string): Promise<Program & { readonly port: number }> {
  const port = await freePort()
  const own = ownFolder(folder, 'upstream')
  const program = await startNginx(1, own, port, nginxUpstream({ port, folder: own }))
  return { ...program, port }
}

export function mayfly(place: Place): Contender {
  return {
    name: 'mayfly',
    url: place.route,
    checks: true,
    cpu: async () => (await place.child.usage()).cpu,
    stop: async () => undefined,
  }
}

export async function node(kind: 'agent' | 'dispatch', upstream: number): Promise<Contender> {
  const child = await startChild('./proxy/server-node.ts', { kind, upstream })
  return {
    name: kind === 'agent' ? 'node:http with an agent' : 'node:http and undici dispatch',
    url: child.url.origin,
    checks: false,
    cpu: async () => (await child.usage()).cpu,
    stop: () => child.stop(),
  }
}

type Parts = Omit<Setting, 'port' | 'folder'>

export async function nginx(folder: string, upstream: number): Promise<Contender> {
  const [port, own] = [await freePort(), ownFolder(folder, 'nginx')]
  const text = nginxProxy({ port, upstream, folder: own, issuer: '', audience })
  return contender('nginx', false, port, await startNginx(0, own, port, text))
}

export async function haproxy(folder: string, place: Place, upstream: number): Promise<Contender> {
  const path = debianProgram('/usr/sbin/haproxy', 'haproxy')
  const [port, own] = [await freePort(), ownFolder(folder, 'haproxy')]
  const [jwk = {}] = (await keysOf(place)).keys
  const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  writeFileSync(join(own, 'key.pem'), pem)
  const file = join(own, 'haproxy.cfg')
  writeFileSync(file, haproxyVerifying({ port, upstream, folder: own, issuer: place.issuer, audience }))
  return contender('haproxy, jwt_verify', true, port, await startProgram(0, [path, '-db', '-f', file], port))
}

export async function apache(folder: string, place: Place, upstream: number): Promise<Contender> {
  debianProgram('/usr/sbin/apache2', 'apache2')
  debianFile('/usr/lib/apache2/modules/mod_auth_openidc.so', 'libapache2-mod-auth-openidc')
  const [port, own] = [await freePort(), ownFolder(folder, 'apache')]
  const parts: Parts = { upstream, issuer: place.issuer, audience }
  const keys = await serveKeys(place)
  const file = join(own, 'apache.conf')
  writeFileSync(file, apacheVerifying({ ...parts, port, folder: own, jwks: keys.url }))
  const program = await startProgram(0, ['/usr/sbin/apache2', '-D', 'FOREGROUND', '-f', file], port)
  const made = contender('apache, mod_auth_openidc', true, port, program)
  return { ...made, stop: () => program.stop().finally(keys.close) }
}

interface Keys {
  readonly keys: readonly JsonWebKey[]
}

async function keysOf({ jwks }: Place): Promise<Keys> {
  return (await (await fetch(jwks)).json()) as Keys
}

/** The broker's keys once more over TLS. */
async function serveKeys(place: Place): Promise<{ readonly url: string; close(): void }> {
  const text = JSON.stringify(await keysOf(place))
  const server = createServer(selfSigned('127.0.0.1'), (_, response) => {
    response.setHeader('Content-Type', 'application/json').end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function contender(name: string, checks: boolean, port: number, program: Program): Contender {
  return { name, checks, url: `http://127.0.0.1:${port}`, ...program }
}

function startNginx(core: number, folder: string, port: number, text: string): Promise<Program> {
  const path = debianProgram('/usr/sbin/nginx', 'nginx')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  return startProgram(core, [path, '-c', file, '-p', folder, '-e', 'stderr'], port)
}

/** Readable for the users that these programs become. */
function ownFolder(folder: string, name: string): string {
  const own = join(folder, name)
  mkdirSync(own)
  chmodSync(own, 0o755)
  return own
}
