import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sshConnectionOf } from '../../../../../../test/fakes/ssh-grant.ts'
import { makeKey, run, sshFolder, sshKeygen } from '../../../../../../test/fakes/sshd.ts'
import { blobOfLine, openAuthority } from './authority.ts'
import { certificateLine, userCertificate } from './certificate.ts'
import { type RevokedSerials, revocationList } from './krl.ts'

const folder = sshFolder()
after(() => rmSync(folder, { recursive: true, force: true }))

const [ours, theirs] = [await makeKey(folder, '-t', 'ed25519'), await makeKey(folder, '-t', 'rsa')]
const blobs = { ours: blobOfLine(ours.publicKey), theirs: blobOfLine(theirs.publicKey) }
const authorities = {
  ours: openAuthority('ours', sshConnectionOf(ours)),
  theirs: openAuthority('theirs', sshConnectionOf(theirs)),
}

function listOf(...revoked: RevokedSerials[]): string {
  const path = join(folder, 'list')
  const list = revocationList({ version: 7, generatedAt: 1_790_000_000, comment: 'mayfly ours', revoked })
  writeFileSync(path, list)
  return path
}

/** What `ssh-keygen -Q` says of certificates with these serials: those that it holds for revoked. */
async function revokedOf(path: string, serials: readonly bigint[], by: 'ours' | 'theirs' = 'ours') {
  const files = serials.map((serial) => {
    const certificate = userCertificate(
      {
        publicKey: Buffer.alloc(32, 9),
        nonce: Buffer.alloc(32, 1),
        serial,
        keyId: 'test',
        principals: ['deploy'],
        validAfter: 1,
        validBefore: 2,
        criticalOptions: new Map(),
        extensions: new Map(),
      },
      authorities[by],
    )
    const file = join(folder, `${by}-${serial}-cert.pub`)
    writeFileSync(file, certificateLine(certificate, 'test'))
    return file
  })
  const ran = await run('/usr/bin/ssh-keygen', ['-Q', '-f', path, ...files])
  assert.equal(ran.errors, '')
  const said = ran.output.trim().split('\n')
  assert.equal(said.length, serials.length)
  assert.equal(ran.code, said.some((line) => line.endsWith('REVOKED')) ? 1 : 0)
  return serials.filter((_, i) => said[i]?.endsWith(': REVOKED'))
}

const largest = 2n ** 64n - 1n

test('ssh-keygen finds exactly the serials that the list names', async () => {
  const serials = [5n, 6n, 7n, 8n, 9n, 1n, 100n, largest, largest - 2n, 2n ** 63n, 5n]
  const asked = [1n, 2n, 4n, 5n, 7n, 9n, 10n, 99n, 100n, 101n, 2n ** 63n, largest - 2n, largest - 1n, largest]
  const path = listOf({ authority: blobs.ours, serials })
  assert.deepEqual(
    await revokedOf(path, asked),
    asked.filter((serial) => serials.includes(serial)),
  )
  assert.deepEqual(await revokedOf(path, asked, 'theirs'), [])
})

test('serials in a row become a range, and both ends are in it', async () => {
  const row = Array.from({ length: 1_000 }, (_, i) => 1_000n + BigInt(i))
  const path = listOf({ authority: blobs.ours, serials: row })
  assert.deepEqual(await revokedOf(path, [999n, 1_000n, 1_500n, 1_999n, 2_000n]), [1_000n, 1_500n, 1_999n])
  const text = await sshKeygen('-Q', '-l', '-f', path)
  assert.match(text, /serial: 1000-1999/)
})

test('each authority has its own serials, and an empty one speaks of all', async () => {
  const path = listOf(
    { authority: blobs.ours, serials: [1n] },
    { authority: blobs.theirs, serials: [2n] },
    { authority: new Uint8Array(), serials: [3n] },
  )
  assert.deepEqual(await revokedOf(path, [1n, 2n, 3n]), [1n, 3n])
  assert.deepEqual(await revokedOf(path, [1n, 2n, 3n], 'theirs'), [2n, 3n])
})

test('an empty list is one that OpenSSH reads', async () => {
  for (const path of [listOf(), listOf({ authority: blobs.ours, serials: [] })]) {
    assert.deepEqual(await revokedOf(path, [1n]), [])
    const text = await sshKeygen('-Q', '-l', '-f', path)
    assert.match(text, /^# KRL version 7\n# Generated at 20260921T141320\n# Comment: mayfly ours\n/)
  }
})

test('a long list is read whole', async () => {
  const serials = Array.from({ length: 20_000 }, (_, i) => 3n * BigInt(i) + 1n)
  const path = listOf({ authority: blobs.ours, serials })
  assert.deepEqual(await revokedOf(path, [1n, 2n, 29_998n, 59_998n, 59_999n]), [1n, 29_998n, 59_998n])
})

test('serial 0, which OpenSSH cannot revoke, is refused rather than left out', () => {
  assert.throws(() => listOf({ authority: blobs.ours, serials: [0n] }), RangeError)
})
