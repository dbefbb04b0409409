import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listeningDoors } from '../../test/doors.ts'
import { Failure } from '../base/failure.ts'
import type { GithubDelivery } from './doors.ts'

/** Of the right form. */
const signature = `sha256=${'0'.repeat(64)}`

test('a delivery goes on as it came: bytes, signature, event', async () => {
  const deliveries: GithubDelivery[] = []
  await using doors = await listeningDoors({ githubWebhook: async (each) => void deliveries.push(each) })
  const body = `{"text":"é","pad":"${'x'.repeat(100_000)}"}`
  const response = await fetch(`${doors.url}/webhooks/github`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'X-Hub-Signature-256': signature,
      'X-GitHub-Event': 'workflow_job',
      'X-GitHub-Delivery': 'one',
    },
    body,
  })
  assert.equal(response.status, 202)
  const [delivery] = deliveries
  assert.equal(delivery?.signature, signature)
  assert.equal(delivery?.event, 'workflow_job')
  assert.equal(delivery?.id, 'one')
  assert.equal(Buffer.from(delivery?.body ?? []).toString(), body)
})

test('a wrong signature is 401, another media type 400, too much 413', async () => {
  let deliveries = 0
  await using doors = await listeningDoors({
    githubWebhook: async ({ signature }) => {
      deliveries++
      assert.equal(signature, '')
      throw new Failure('client_rejected')
    },
  })
  const send = async (type: string, body: string) => {
    const url = `${doors.url}/webhooks/github`
    return (await fetch(url, { method: 'POST', headers: { 'Content-Type': type }, body })).status
  }
  assert.equal(await send('application/json', '{}'), 401)
  assert.equal(await send('application/x-www-form-urlencoded', 'payload=%7B%7D'), 400)
  assert.equal(await send('application/json', 'x'.repeat(524_289)), 413)
  assert.equal(deliveries, 1)
})
