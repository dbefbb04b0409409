import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noWaiting, scripted } from '../test/scripted.ts'
import { githubActionsToken, IdTokenUnavailable } from './github.ts'
import { idTokenRetry } from './retry.ts'

const audience = 'https://mayfly.example.com/'
const env = {
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://run-actions.example.com/idtoken/a/b?api-version=2.0',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-secret',
}

test('the request is the one that GitHub documents, for the broker as the only audience', async () => {
  const { transport, requests } = scripted({ status: 200, body: { count: 1, value: 'a.b.c' } })
  assert.equal(await githubActionsToken({ audience, env, transport }), 'a.b.c')
  assert.equal(
    requests[0]?.url,
    `${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${encodeURIComponent('https://mayfly.example.com')}`,
  )
  assert.equal(requests[0]?.request.headers['authorization'], 'Bearer request-secret')
})

test('a service that stumbles is asked ten times', async () => {
  const { retry, waited } = noWaiting(idTokenRetry)
  const { transport, requests } = scripted({ status: 502 })
  const token = githubActionsToken({ audience, env, transport, retry })
  await assert.rejects(token, { name: 'IdTokenUnavailable', message: /status 502/ })
  assert.equal(requests.length, 10)
  assert.equal(waited.length, 9)
})

test('a job without the permission is told what to add, and nothing is sent', async () => {
  const { transport, requests } = scripted({ status: 200 })
  for (const name of ['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN']) {
    const token = githubActionsToken({ audience, env: { ...env, [name]: undefined }, transport })
    await assert.rejects(token, (error) => {
      assert.ok(error instanceof IdTokenUnavailable)
      assert.match(error.message, /^permissions:\n {2}id-token: write$/m)
      return true
    })
  }
  assert.equal(requests.length, 0)
})

test('an answer without a token is not passed on', async () => {
  for (const body of ['', {}, { value: '' }, { value: 7 }]) {
    const { transport } = scripted({ status: 200, body })
    await assert.rejects(githubActionsToken({ audience, env, transport }), IdTokenUnavailable)
  }
  const { transport } = scripted({ status: 403, body: { value: 'a.b.c' } })
  await assert.rejects(githubActionsToken({ audience, env, transport }), IdTokenUnavailable)
})

test('the request token is not sent in the clear', async () => {
  const { transport, requests } = scripted({ status: 200, body: { value: 'a.b.c' } })
  const plain = { ...env, ACTIONS_ID_TOKEN_REQUEST_URL: 'http://run-actions.example.com/idtoken?x=1' }
  await assert.rejects(githubActionsToken({ audience, env: plain, transport }), TypeError)
  assert.equal(requests.length, 0)
})
