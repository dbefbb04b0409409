import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, Server } from 'node:net'
import { test } from 'node:test'
import { listenOn } from './listening.ts'

test('where it listens is said as a URL', async () => {
  const server = createServer()
  const url = await listenOn(server, { host: '127.0.0.1', port: 0 }, '`listen`')
  assert.match(url, /^http:\/\/127\.0\.0\.1:[0-9]+$/)
  server.close()
  await once(server, 'close')
})

test('an address that is taken is named, with what to change', async () => {
  const server = createServer()
  const url = await listenOn(server, { host: '127.0.0.1', port: 0 }, '`listen`')
  const port = Number(new URL(url).port)
  await assert.rejects(listenOn(createServer(), { host: '127.0.0.1', port }, '`listen`'), {
    name: 'Failure',
    message: `cannot listen on 127.0.0.1:${port} (EADDRINUSE): another process listens there; stop it, or write another address as \`listen\``,
  })
  server.close()
  await once(server, 'close')
})

/** A server on a system that refuses for a reason which not every machine that runs tests has. */
class Refusing extends Server {
  readonly #code: string

  constructor(code: string) {
    super()
    this.#code = code
  }

  override listen(): this {
    process.nextTick(() => this.emit('error', Object.assign(new Error('no'), { code: this.#code })))
    return this
  }
}

test('every other reason is said with its place, and with what to change where that is known', async () => {
  for (const [code, says] of [
    [
      'EACCES',
      /^cannot listen on \[::1\]:80 \(EACCES\): this user may not .* from 1024 up as `listen` of route `orders`/,
    ],
    ['EADDRNOTAVAIL', /\[::1\]:80 \(EADDRNOTAVAIL\): this machine does not have that address/],
    ['ENOTFOUND', /\(ENOTFOUND\): nobody knows that name/],
    ['EMFILE', /\(EMFILE\): the address is that of `listen` of route `orders`/],
  ] as const) {
    const address = { host: '::1', port: 80 }
    await assert.rejects(listenOn(new Refusing(code), address, '`listen` of route `orders`'), {
      message: says,
    })
  }
})
