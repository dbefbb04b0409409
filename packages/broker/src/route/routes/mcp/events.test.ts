import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventsOf } from './events.ts'

/** The events in these pieces of a stream. */
async function eventsIn(pieces: Iterable<string | Uint8Array>, most = 1000): Promise<string[]> {
  const events: string[] = []
  const left = pieces[Symbol.iterator]()
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = left.next()
      if (done === true) controller.close()
      else controller.enqueue(typeof value === 'string' ? Buffer.from(value) : value)
    },
  })
  for await (const event of eventsOf(stream, most)) events.push(event)
  return events
}

const streams: readonly [stream: string, events: readonly string[]][] = [
  ['data: a\n\ndata:b\r\n\r\ndata:  c\r\r', ['a', 'b', ' c']],
  ['data: a\r\ndata: é\r\n\r\ndata: b\n\r\n', ['a\né', 'b']],
  [': data: a\n\nevent: data\ndata\n\n', ['']],
  ['database: a\n\ndata2\n\n data: a\n\nDATA: a\n\n', []],
  ['\uFEFFdata: a\n\nid: 1\nretry: 1\n\ndata: cut', ['a']],
]
for (const [stream, events] of streams)
  test(`the events of ${JSON.stringify(stream)}, wherever it is cut`, async () => {
    const bytes = Buffer.from(stream)
    assert.deepEqual(await eventsIn([bytes]), events)
    assert.deepEqual(await eventsIn([...bytes].map((byte) => Uint8Array.of(byte))), events)
    for (let at = 0; at < bytes.length; at += 1)
      assert.deepEqual(await eventsIn([bytes.subarray(0, at), bytes.subarray(at)]), events, String(at))
  })

test('an event is not kept beyond its limit, not of lines without anything either', async () => {
  const many = (text: string, times: number) => Array.from({ length: times }, () => text)
  assert.deepEqual(await eventsIn(many('data: x\n\n', 1000)), many('x', 1000))
  for (const piece of ['data: xxxxxxxxxx\n', 'data\n', 'data:\r', 'x'])
    await assert.rejects(eventsIn(many(piece, 2000)), /an event that is too long/, piece)
})

test('a line is read once, in however many pieces it comes', async () => {
  const piece = Buffer.from('x'.repeat(512))
  const pieces = (function* () {
    for (let at = 0; at < 16_000; at += 1) yield piece
  })()
  const { user } = process.cpuUsage()
  assert.deepEqual(await eventsIn(pieces, 16_777_216), [])
  assert.ok(process.cpuUsage().user - user < 2_000_000, 'microseconds')
})
