import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTools } from '../../../../test/fakes/clock.ts'
import { listeningDoors } from '../../test/doors.ts'
import { Failure } from '../base/failure.ts'
import type { Answer } from './answer.ts'
import type { SshDoors } from './doors.ts'
import { answerKrl } from './ssh-krl.ts'

const bytes = Buffer.from('SSHKRL\n\0\xff\x80', 'latin1')
const tools = fakeTools()
const list: SshDoors['list'] = async (authority) =>
  authority === 'production' ? { bytes, tag: 'tag-1' } : undefined
const parts = { sshRevocations: { authorities: ['production'], list }, tools }
const asked = (name: string, tag?: string) => ({
  name,
  headers: tag === undefined ? {} : { 'if-none-match': tag },
  query: '',
  body: Buffer.alloc(0),
})
const header = (answer: Answer, name: string) => answer.headers[answer.headers.indexOf(name) + 1]

test('the list comes as the bytes of a file, which nobody keeps without asking again', async () => {
  const answer = await answerKrl(asked('production'), parts)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body, bytes)
  assert.equal(header(answer, 'Content-Type'), 'application/octet-stream')
  assert.equal(header(answer, 'Cache-Control'), 'no-cache')
})

test('whoever has this list already is told so', async () => {
  const tag = header(await answerKrl(asked('production'), parts), 'ETag')
  assert.equal(tag, '"tag-1"')
  assert.equal((await answerKrl(asked('production', tag), parts)).status, 304)
  assert.equal((await answerKrl(asked('production', '"tag-0"'), parts)).status, 200)
})

test('an authority that is not there has no list', async () => {
  assert.equal((await answerKrl(asked('staging'), parts)).status, 404)
})

test('when the store is away the answer is 503 and no list, so that hosts keep theirs', async () => {
  for (const thrown of [new Error('away'), new Failure('provider_unavailable')]) {
    const away = async () => {
      throw thrown
    }
    const answer = await answerKrl(asked('production'), {
      sshRevocations: { authorities: [], list: away },
      tools,
    })
    assert.equal(answer.status, 503)
    assert.match(String(answer.body), /temporarily_unavailable/)
    assert.ok(answer.headers.includes('Retry-After'))
  }
})

test('each authority has its door, and nobody else has one', async () => {
  await using doors = await listeningDoors({ sshRevocations: parts.sshRevocations })
  const response = await fetch(`${doors.url}/ssh/production/krl`)
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes)
  const tag = response.headers.get('etag') ?? ''
  const again = await fetch(`${doors.url}/ssh/production/krl`, { headers: { 'If-None-Match': tag } })
  assert.equal(again.status, 304)
  assert.equal((await fetch(`${doors.url}/ssh/production/krl`, { method: 'POST' })).status, 405)
  for (const path of [
    '/ssh/staging/krl',
    '/ssh/{name}/krl',
    '/ssh//krl',
    '/ssh/production/',
    '/ssh/production',
  ])
    assert.equal((await fetch(doors.url + path)).status, 404, path)
})
