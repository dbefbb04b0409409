import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { sshConnectionOf, sshFiles, sshGrant } from '../../../../../../test/fakes/ssh-grant.ts'
import { makeKey, type RunningSshd, sshFolder, startSshd } from '../../../../../../test/fakes/sshd.ts'
import type { Json } from '../../../base/canonical-json.ts'
import type { Grant } from '../../../domain.ts'
import { blobOfLine } from './authority.ts'
import { revocationList } from './krl.ts'
import { openSshTarget, serialOf } from './ssh.ts'

const folder = sshFolder()
const key = await makeKey(folder, '-t', 'ed25519')
let sshd: RunningSshd

before(async () => {
  sshd = await startSshd(['deploy'])
  sshd.trust(key.publicKey)
})
after(async () => {
  await sshd?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function files(over: Partial<Grant> = {}, authority = key) {
  const grant = sshGrant(over)
  const connections = { production: sshConnectionOf(authority) }
  const target = openSshTarget({ connections, tools: { randomBytes, now: Date.now } })
  return { grant, ...sshFiles(await target.issue(grant, target.prepare(grant))) }
}

const withSettings = (settings: { [name: string]: Json }): Partial<Grant> => ({
  settings: { authority: 'production', principals: ['deploy'], ...settings },
})

/** Whether `sshd` let it in, which is not whether the command went well. */
async function refused(
  made: Awaited<ReturnType<typeof files>>,
  flags: readonly string[] = [],
): Promise<void> {
  const ran = await sshd.login(made, 'echo in', flags)
  assert.equal(ran.code, 255)
  assert.equal(ran.output, '')
  assert.match(ran.errors, /Permission denied \(publickey\)/)
}

test('a job logs in with its certificate, and the host logs which lease it was', async () => {
  const made = await files()
  assert.deepEqual(await sshd.login(made, 'echo "$((6 * 7))"'), { code: 0, output: '42\n', errors: '' })
  const words = `ID mayfly lease=${made.grant.leaseId} issuer=github subject=repo:acme/shop:environment:production`
  assert.ok(sshd.log().includes(`${words} (serial ${serialOf(made.grant.leaseId)}) CA ED25519 SHA256:`))
})

for (const [name, kind] of [
  ['ECDSA P-256', ['-t', 'ecdsa', '-b', '256']],
  ['RSA', ['-t', 'rsa', '-b', '2048']],
] as const) {
  test(`the authority's key may be ${name}`, async () => {
    const authority = await makeKey(folder, ...kind)
    sshd.trust(key.publicKey, authority.publicKey)
    // A signature of ECDSA has numbers of differing length.
    for (let i = 0; i < (name === 'RSA' ? 1 : 6); i++) {
      const ran = await sshd.login(await files({}, authority), 'echo in')
      assert.deepEqual(ran, { code: 0, output: 'in\n', errors: '' })
    }
  })
}

test('a certificate for another principal is refused', async () => {
  await refused(await files(withSettings({ principals: ['somebody-else'] })))
  assert.match(sshd.log(), /Certificate does not contain an authorized principal/)
})

test('a certificate of another authority is refused', async () => {
  await refused(await files({}, await makeKey(folder, '-t', 'ed25519')))
})

test('a certificate whose lease is over is refused, and one whose lease has not begun', async () => {
  const now = Math.floor(Date.now() / 1000)
  await refused(await files({ issuedAt: now - 600, expiresAt: now - 1 }))
  assert.match(sshd.log(), /Certificate invalid: expired/)
  await refused(await files({ issuedAt: now + 600, expiresAt: now + 900 }))
  assert.match(sshd.log(), /Certificate invalid: not yet valid/)
  // The host's clock may be behind by half a minute.
  const early = await sshd.login(await files({ issuedAt: now + 30, expiresAt: now + 900 }), 'echo in')
  assert.equal(early.output, 'in\n')
})

test('a certificate that was changed after it was signed is refused', async () => {
  const made = await files()
  const [type, base64 = ''] = made.certificate.split(' ')
  const bytes = Buffer.from(base64, 'base64')
  const at = bytes.indexOf('deploy')
  bytes.write('deploz', at)
  const certificate = `${type} ${bytes.toString('base64')} x\n`
  const ran = await sshd.login({ ...made, certificate }, 'echo in')
  assert.equal(ran.output, '')
  assert.equal(ran.code, 255)
})

test('the key alone, without its certificate, is refused', async () => {
  const made = await files()
  const ran = await sshd.login({ ...made, certificate: '' }, 'echo in')
  assert.equal(ran.code, 255)
})

test('a certificate works from its addresses only', async () => {
  const near = await sshd.login(await files(withSettings({ source_address: '127.0.0.0/8' })), 'echo in')
  assert.equal(near.output, 'in\n')
  await refused(await files(withSettings({ source_address: ['192.0.2.0/24', '2001:db8::/32'] })))
})

test('a forced command runs instead of what was asked for', async () => {
  const settings = withSettings({ force_command: 'echo "forced: $SSH_ORIGINAL_COMMAND"' })
  const ran = await sshd.login(await files(settings), 'cat /etc/passwd')
  assert.deepEqual(ran, { code: 0, output: 'forced: cat /etc/passwd\n', errors: '' })
})

test('a terminal is there only where the policy allows it', async () => {
  const ask = (over: Partial<Grant>) => files(over).then((made) => sshd.login(made, 'tty || true', ['-tt']))
  assert.match((await ask({})).errors + (await ask({})).output, /PTY allocation request failed|not a tty/)
  assert.match((await ask(withSettings({ extensions: ['permit-pty'] }))).output, /^\/dev\/pts\//)
})

test('a certificate in the revocation list is refused at once, every other still works', async () => {
  const [one, two] = [await files(), await files()]
  const list = (...serials: bigint[]) =>
    revocationList({
      version: 1,
      generatedAt: 1,
      comment: 'mayfly production',
      revoked: [{ authority: blobOfLine(key.publicKey), serials }],
    })
  sshd.revoked(list())
  assert.equal((await sshd.login(one, 'echo in')).output, 'in\n')
  sshd.revoked(list(serialOf(one.grant.leaseId)))
  await refused(one)
  assert.match(sshd.log(), /revoked by file/)
  assert.equal((await sshd.login(two, 'echo in')).output, 'in\n')
  sshd.revoked(new Uint8Array())
})
