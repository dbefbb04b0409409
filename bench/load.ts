/**
 * A closed loop of HTTP requests over raw keep-alive sockets: as many in flight as connections, one request each.
 * It does nothing but count, so that the load costs far less than what it measures.
 */
import { connect } from 'node:net'

export interface LoadResult {
  readonly requests: number
  readonly ok: number
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

interface Tally {
  next: number
  done: number
  ok: number
  readonly latencies: Float64Array
}

/** Sends every body once to `POST path` and waits for every answer. Fails on a broken connection. */
export async function load(
  url: URL,
  bodies: readonly Buffer[],
  connections: number,
  expectOk = true,
): Promise<LoadResult> {
  const tally: Tally = { next: 0, done: 0, ok: 0, latencies: new Float64Array(bodies.length) }
  const start = performance.now()
  await Promise.all(Array.from({ length: connections }, () => drive(url, bodies, tally)))
  const seconds = (performance.now() - start) / 1000
  if (expectOk && tally.ok !== bodies.length) {
    throw new Error(`${bodies.length - tally.ok} of ${bodies.length} requests were not answered with 200`)
  }
  const sorted = tally.latencies.toSorted()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { requests: tally.done, ok: tally.ok, seconds, p50: at(0.5), p99: at(0.99) }
}

function drive(url: URL, bodies: readonly Buffer[], tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname)
    socket.setNoDelay(true)
    let started = 0
    let received = ''
    const send = (): void => {
      const body = bodies[tally.next++]
      if (body === undefined) {
        socket.end()
        resolve()
        return
      }
      started = performance.now()
      socket.write(Buffer.concat([head(url, body.length), body]))
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed a connection')))
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (!isWhole(received)) return
      tally.latencies[tally.done++] = performance.now() - started
      if (received.startsWith('HTTP/1.1 200')) tally.ok++
      received = ''
      send()
    })
  })
}

function head(url: URL, length: number): Buffer {
  return Buffer.from(
    `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
      `Content-Length: ${length}\r\n\r\n`,
  )
}

function isWhole(received: string): boolean {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /content-length: *(\d+)/i.exec(received.slice(0, end))?.[1]
  if (length !== undefined) return received.length >= end + 4 + Number(length)
  return received.endsWith('0\r\n\r\n')
}
