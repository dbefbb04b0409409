import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { Failure } from '../base/failure.ts'
import type { Answer } from './answer.ts'
import { answerKrl, type KrlParts } from './ssh-krl.ts'

const bytes = Buffer.from('SSHKRL\n\0\xff\x80', 'latin1')
const tools = fakeTools()
const parts: KrlParts = {
  krl: async (authority) => (authority === 'production' ? { bytes, tag: 'tag-1' } : undefined),
  tools,
}
const asked = (tag?: string) => ({
  headers: tag === undefined ? {} : { 'if-none-match': tag },
  query: '',
  body: Buffer.alloc(0),
})
const header = (answer: Answer, name: string) => answer.headers[answer.headers.indexOf(name) + 1]

test('the list comes as the bytes of a file, which nobody keeps without asking again', async () => {
  const answer = await answerKrl(asked(), 'production', parts)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, bytes)
  assert.equal(header(answer, 'Content-Type'), 'application/octet-stream')
  assert.equal(header(answer, 'Cache-Control'), 'no-cache')
})

test('whoever has this list already is told so', async () => {
  const tag = header(await answerKrl(asked(), 'production', parts), 'ETag')
  assert.equal(tag, '"tag-1"')
  assert.equal((await answerKrl(asked(tag), 'production', parts)).status, 304)
  assert.equal((await answerKrl(asked('"tag-0"'), 'production', parts)).status, 200)
})

test('an authority that is not there has no list', async () => {
  assert.equal((await answerKrl(asked(), 'staging', parts)).status, 404)
})

test('when the store is away the answer is 503 and no list, so that hosts keep theirs', async () => {
  for (const thrown of [new Error('away'), new Failure('provider_unavailable')]) {
    const krl = async () => {
      throw thrown
    }
    const answer = await answerKrl(asked(), 'production', { krl, tools })
    assert.equal(answer.status, 503)
    assert.match(String(answer.body), /temporarily_unavailable/)
    assert.ok(answer.headers.includes('Retry-After'))
  }
})
