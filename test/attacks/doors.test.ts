/** Callers that mean harm before anybody knows who they are. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Failure } from '@mayfly/broker/base/failure'
import { type BodyRoom, readBody } from '@mayfly/broker/http/body'
import { listeningDoors } from '../../packages/broker/test/doors.ts'

async function connected(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

async function readAll(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk) => {
    text += chunk
  })
  await new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once('close', resolve)))
  return text
}

function incoming(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage
}

test('a body of many small parts keeps none of the blocks that they came in', async () => {
  const room: BodyRoom = { held: 0, most: 1_048_576 }
  const request = incoming()
  const reading = readBody(request, 16_384, room)
  for (let i = 0; i < 3000; i++) request.write(Buffer.alloc(65_536, 97).subarray(i, i + 1))
  await new Promise(setImmediate)
  assert.equal(room.held, 4096)
  request.end()
  const body = await reading
  assert.ok(Buffer.isBuffer(body))
  assert.equal(body.toString(), 'a'.repeat(3000))
  assert.ok(body.buffer.byteLength <= 4096)
  assert.equal(room.held, 0)
})

test('bodies that are being read share one room; who finds none is sent away', async () => {
  const room: BodyRoom = { held: 0, most: 1500 }
  const [one, other] = [incoming(), incoming()]
  const first = readBody(one, 16_384, room)
  one.write('a')
  await new Promise(setImmediate)
  const second = readBody(other, 16_384, room)
  other.write('b')
  assert.equal(await second, 'busy')
  one.destroy()
  await assert.rejects(first)
  assert.equal(room.held, 0)
})

test('a webhook without a signature, or without a length, is refused before its body came', async () => {
  const bodies: number[] = []
  await using doors = await listeningDoors({
    githubWebhook: async ({ body }) => {
      bodies.push(body.length)
      throw new Failure('client_rejected')
    },
  })
  const head = 'POST /webhooks/github HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
  const answerTo = async (rest: string) => {
    const socket = await connected(doors.url)
    socket.write(head + rest)
    const [data] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return data.toString().slice(9, 12)
  }
  const signature = `X-Hub-Signature-256: sha256=${'0'.repeat(64)}\r\n`
  assert.equal(await answerTo('Content-Length: 500000\r\n\r\n{'), '401')
  assert.equal(await answerTo('X-Hub-Signature-256: sha256=00\r\nContent-Length: 500000\r\n\r\n{'), '401')
  assert.deepEqual(bodies, [0, 0])
  assert.equal(await answerTo(`${signature}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`), '400')
  assert.equal(await answerTo(`${signature}Content-Length: 600000\r\n\r\n{`), '413')
  assert.deepEqual(bodies, [0, 0])
})

test('a connection that sends thousands of requests at once is closed, and few of them ran', async () => {
  let asked = 0
  await using doors = await listeningDoors({
    jwks: () => {
      asked++
      return { keys: [] }
    },
  })
  const socket = await connected(doors.url)
  socket.write('GET /.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5000))
  await readAll(socket)
  assert.ok(asked <= 8, `${asked} ran`)
})

test('readiness and metrics are asked for once, however many want to know', async () => {
  const asked = { ready: 0, metrics: 0 }
  await using doors = await listeningDoors({
    ready: async () => {
      asked.ready++
      return { store: true }
    },
    metricsText: async () => {
      asked.metrics++
      return ''
    },
  })
  const paths = [...Array(20).keys()].map((i) => (i % 2 === 0 ? '/readyz' : '/metrics'))
  await Promise.all(paths.map(async (path) => assert.equal((await fetch(doors.url + path)).status, 200)))
  assert.deepEqual(asked, { ready: 1, metrics: 1 })
})

test('only a few proofs are made at once', async () => {
  const started: (() => void)[] = []
  const inclusion = () => new Promise<[]>((resolve) => started.push(() => resolve([])))
  const audit = {
    checkpoint: async () => undefined,
    entries: async () => [],
    inclusion,
    consistency: inclusion,
  }
  await using doors = await listeningDoors({ audit })
  const url = `${doors.url}/audit/proof/inclusion?index=0&size=1`
  let refused = 0
  const answers = [...Array(10)].map(async () => {
    const { status } = await fetch(url)
    if (status === 503) refused++
    // Those that wait go on once all others were refused.
    if (refused === 6) for (const finish of started) finish()
    return status
  })
  const all = await Promise.all(answers)
  assert.equal(all.filter((status) => status === 200).length, 4)
})
