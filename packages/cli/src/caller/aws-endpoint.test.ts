import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { STSClient } from '@aws-sdk/client-sts'
import { awsKeys, openAwsEndpoint } from './aws-endpoint.ts'
import { withoutOutranking } from './outranking.ts'

const keys = (number: number, expiration: string) =>
  awsKeys({
    ...{ access_key_id: `ASIA${number}`, secret_access_key: 's', session_token: 't' },
    expiration,
  })

function status(uri: string, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(uri, { headers, method }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    sent.on('error', reject).end()
  })
}

test('only a GET of its path with its token and its own host is answered', async (t) => {
  let asked = 0
  const endpoint = await openAwsEndpoint(async () => keys(++asked, '2030-01-01T00:00:00Z'))
  t.after(() => endpoint.close())
  const uri = endpoint.variables['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? ''
  const authorization = endpoint.variables['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? ''
  assert.ok(authorization.length >= 43)
  const near = `${authorization.slice(0, -1)}${authorization.endsWith('A') ? 'B' : 'A'}`
  const refused: readonly (readonly [number, string, Record<string, string>, string?])[] = [
    [401, uri, {}],
    [401, uri, { authorization: near }],
    [401, uri, { authorization: `Bearer ${authorization}` }],
    [401, uri, { authorization: `${authorization}x` }],
    [403, uri, { authorization, host: 'attacker.example' }],
    [403, uri, { authorization, host: '127.0.0.1.attacker.example' }],
    [404, `${uri}/more`, { authorization }],
    [404, `${uri}?x=1`, { authorization }],
    [404, uri, { authorization }, 'POST'],
    [404, uri, { authorization }, 'HEAD'],
  ]
  for (const [wanted, place, headers, method] of refused)
    assert.equal(await status(place, headers, method), wanted, JSON.stringify(headers))
  assert.equal(asked, 0)
  assert.equal(await status(uri, { authorization }), 200)
})

test("AWS's SDK asks again whenever what it has is over, and survives a failure between", async (t) => {
  let asked = 0
  const endpoint = await openAwsEndpoint(async () => {
    asked += 1
    if (asked === 2) throw new Error('away')
    return keys(asked, new Date(Date.now() - 1_000).toISOString())
  })
  t.after(() => endpoint.close())
  // As a command of `mayfly exec` has it: the SDK finds its way by itself.
  const variables = { ...endpoint.variables, ...withoutOutranking('aws_role'), AWS_REGION: 'eu-central-1' }
  for (const [name, value] of Object.entries(variables))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
  })
  const client = new STSClient({})
  t.after(() => client.destroy())
  const keysNow = () => client.config.credentials()
  const given = [await keysNow(), await keysNow(), await keysNow()]
  assert.deepEqual(
    given.map(({ accessKeyId }) => accessKeyId),
    ['ASIA1', 'ASIA3', 'ASIA4'],
  )
})
