import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeDoors, listeningDoors } from '../../test/doors.ts'
import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import type { AuditDoors } from './doors.ts'

const reader = 'a-secret-for-auditors'
const lines = ['{"id":"au_1","text":"é"}', '{"id":"au_2"}']
const asReader = { headers: { Authorization: `Bearer ${reader}` } }

function withAudit(changes: Partial<AuditDoors> = {}) {
  const asked: number[][] = []
  const audit: AuditDoors = {
    ...fakeDoors().doors.audit,
    reader: new Secret(reader),
    entries: async (from, limit) => {
      asked.push([from, limit])
      return lines.map((line, index) => ({ index, bytes: Buffer.from(line) }))
    },
    inclusion: async (...ask) => {
      asked.push(ask)
      return [Buffer.from('hash')]
    },
    consistency: async (...ask) => {
      asked.push(ask)
      return []
    },
    ...changes,
  }
  return { audit, asked }
}

test('entries come as the bytes that were hashed, one on each line, to the reader only', async () => {
  const { audit, asked } = withAudit()
  await using doors = await listeningDoors({ audit })
  const response = await fetch(`${doors.url}/audit/entries?from=0&limit=2`, asReader)
  assert.equal(response.headers.get('content-type'), 'application/x-ndjson')
  assert.equal(await response.text(), `${lines.join('\n')}\n`)
  for (const value of ['', 'Bearer wrong', `Basic ${reader}`, reader]) {
    const refused = await fetch(`${doors.url}/audit/entries`, { headers: { Authorization: value } })
    assert.equal(refused.status, 401)
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/)
  }
  assert.deepEqual(asked, [[0, 2]])
})

test('positions are whole numbers, written in one way, within their limits', async () => {
  const { audit, asked } = withAudit()
  await using doors = await listeningDoors({ audit })
  const bad = [
    'entries?from=-1',
    'entries?from=1.5',
    'entries?from=0x1',
    'entries?from=01',
    'entries?from=1e3',
    'entries?from=%201',
    'entries?from=9007199254740993',
    'entries?from=1&from=2',
    'entries?limit=0',
    'entries?limit=1001',
    'proof/inclusion?index=2&size=2',
    'proof/inclusion?index=2',
    'proof/consistency?first=3&second=2',
    'proof/consistency?second=2',
  ]
  for (const path of bad) {
    assert.equal((await fetch(`${doors.url}/audit/${path}`, asReader)).status, 400, path)
  }
  assert.deepEqual(asked, [])
})

test('heads and proofs are public, as RFC 6962 4 words them', async () => {
  const { audit, asked } = withAudit()
  await using doors = await listeningDoors({ audit })
  const checkpoint = await fetch(`${doors.url}/audit/checkpoint`)
  assert.equal(checkpoint.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.match(await checkpoint.text(), /^mayfly\.example\.com\n1\n/)
  const inclusion = await fetch(`${doors.url}/audit/proof/inclusion?index=1&size=2`)
  assert.deepEqual(await inclusion.json(), { leaf_index: 1, tree_size: 2, audit_path: ['aGFzaA=='] })
  const consistency = await fetch(`${doors.url}/audit/proof/consistency?first=1&second=2`)
  assert.deepEqual(await consistency.json(), { first: 1, second: 2, consistency: [] })
  assert.deepEqual(asked, [
    [1, 2],
    [1, 2],
  ])
})

test('before the first checkpoint there is none, and beyond the log is a malformed request', async () => {
  const { audit } = withAudit({
    checkpoint: async () => undefined,
    inclusion: () => Promise.reject(new Failure('request_malformed', { detail: 'The log is shorter.' })),
  })
  await using doors = await listeningDoors({ audit })
  assert.equal((await fetch(`${doors.url}/audit/checkpoint`)).status, 404)
  assert.equal((await fetch(`${doors.url}/audit/proof/inclusion?index=1&size=9`)).status, 400)
})
