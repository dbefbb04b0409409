import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { testTarget } from '../../../../../../test/conformance/target.ts'
import {
  certificateFacts,
  sshConnectionOf,
  sshFiles,
  sshGrant,
} from '../../../../../../test/fakes/ssh-grant.ts'
import { makeKey, sshFolder, sshKeygen } from '../../../../../../test/fakes/sshd.ts'
import type { Json } from '../../../base/canonical-json.ts'
import type { Grant } from '../../../domain.ts'
import { openSshTarget, serialOf } from './ssh.ts'

const folder = sshFolder()
after(() => rmSync(folder, { recursive: true, force: true }))

const now = 1_790_000_000
const key = await makeKey(folder, '-t', 'ed25519')
const other = await makeKey(folder, '-t', 'ed25519')
const open = () =>
  openSshTarget({ connections: { production: sshConnectionOf(key) }, tools: { randomBytes, now: Date.now } })
const grantOf = (over: Partial<Grant> = {}) => sshGrant(over, now)
const withSettings = (settings: { [name: string]: Json }) =>
  grantOf({ settings: { authority: 'production', principals: ['deploy'], ...settings } })

testTarget('ssh', { open: async () => open(), grant: () => grantOf() })

/** What OpenSSH itself reads in the certificate for a grant. */
async function issued(grant: Grant): Promise<Readonly<Record<string, string>>> {
  const target = open()
  const files = sshFiles(await target.issue(grant, target.prepare(grant)))
  const path = join(mkdtempSync(join(folder, 'issued-')), 'id')
  writeFileSync(path, files.privateKey, { mode: 0o600 })
  writeFileSync(`${path}-cert.pub`, files.certificate)
  const facts = await certificateFacts(`${path}-cert.pub`)
  // The key that is certified is the one that came with it.
  const publicKey = await sshKeygen('-y', '-f', path)
  writeFileSync(`${path}.pub`, publicKey)
  const fingerprint = /SHA256:\S+/.exec(await sshKeygen('-l', '-f', `${path}.pub`))?.[0]
  assert.ok(fingerprint !== undefined && facts['Public key']?.includes(fingerprint))
  return facts
}

test('OpenSSH reads in the certificate what the grant says, and nothing more', async () => {
  const grant = grantOf()
  const facts = await issued(grant)
  const path = join(folder, 'authority.pub')
  writeFileSync(path, key.publicKey)
  const authority = /SHA256:\S+/.exec(await sshKeygen('-l', '-f', path))?.[0] ?? 'none'
  const { 'Public key': _, 'Signing CA': signing, ...rest } = facts
  assert.match(
    signing ?? '',
    new RegExp(`^ED25519 ${authority.replaceAll('+', '\\+')} \\(using ssh-ed25519\\)$`),
  )
  assert.deepEqual(rest, {
    Type: 'ssh-ed25519-cert-v01@openssh.com user certificate',
    'Key ID': `"mayfly lease=${grant.leaseId} issuer=github subject=repo:acme/shop:environment:production"`,
    Serial: String(serialOf(grant.leaseId)),
    // A minute earlier, for hosts whose clocks are behind; the end is the grant's own.
    Valid: 'from 2026-09-21T14:12:20 to 2026-09-21T14:23:20',
    Principals: 'deploy',
    'Critical Options': '(none)',
    Extensions: '(none)',
  })
})

test('options and extensions are in the certificate, in the order that OpenSSH wants', async () => {
  const facts = await issued(
    withSettings({
      principals: ['deploy', 'web.example.com', 'a@b'],
      extensions: ['permit-pty', 'permit-port-forwarding', 'permit-X11-forwarding'],
      source_address: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'],
      force_command: '/usr/bin/deploy "$SSH_ORIGINAL_COMMAND"',
    }),
  )
  assert.equal(facts['Principals'], 'deploy | web.example.com | a@b')
  assert.equal(
    facts['Critical Options'],
    'force-command /usr/bin/deploy "$SSH_ORIGINAL_COMMAND" | source-address 10.1.0.0/16,2001:db8::/32,192.0.2.7',
  )
  assert.equal(facts['Extensions'], 'permit-X11-forwarding | permit-port-forwarding | permit-pty')
})

test('extensions of others carry their value', async () => {
  const facts = await issued(withSettings({ extensions: { 'permit-pty': '', 'login@example.com': 'octo' } }))
  // `ssh-keygen` shows a value that it does not know as hexadecimal, with the length in front.
  assert.match(
    facts['Extensions'] ?? '',
    /^login@example\.com UNKNOWN OPTION: 000000046f63746f \(len 8\) \| permit-pty$/,
  )
})

test('settings that would make a certificate for everybody, or none that OpenSSH takes, are refused', async () => {
  const bad: { [name: string]: Json }[] = [
    { principals: [] },
    { principals: [''] },
    { principals: 'deploy' },
    { principals: ['*'] },
    { principals: ['a,root'] },
    { principals: ['a\nroot'] },
    { principals: ['-oProxyCommand=x'] },
    { extensions: ['permit-everything'] },
    { extensions: { 'force-command': 'x' } },
    { source_address: [] },
    { source_address: '10.1.0.1/16' },
    { source_address: '10.1.0.0/33' },
    { source_address: '10.1.0.0/08' },
    { source_address: '2001:db8::1/32' },
    { source_address: '10.0.0.0/8,0.0.0.0/0' },
    { source_address: 'example.com' },
    { source_address: 'fe80::1%eth0' },
    { force_command: '' },
    { force_command: 'a\nb' },
    { unknown: true },
  ]
  for (const settings of bad) {
    const grant = withSettings(settings)
    assert.throws(() => open().prepare(grant), { code: 'target_refused' }, JSON.stringify(settings))
    await assert.rejects(open().issue(grant, null), { code: 'target_refused' })
  }
})

test('an authority that is not configured is refused before anything is written', () => {
  for (const authority of ['staging', '__proto__', 'constructor', ''])
    assert.throws(() => open().prepare(withSettings({ authority })), { code: 'target_refused' })
})

test('no certificate is made that never lives or lives longer than a day', async () => {
  for (const expiresAt of [now, now - 1, now + 86_401, Number.NaN])
    await assert.rejects(open().issue(grantOf({ expiresAt }), null), { code: 'target_refused' })
  await issued(grantOf({ expiresAt: now + 86_400 }))
})

test('a subject cannot forge the words of the key id', async () => {
  const principal = { ...grantOf().principal, issuer: 'git', subject: 'x lease=ls_1\n"é) (serial 1) %3A' }
  const facts = await issued(grantOf({ principal }))
  assert.match(
    facts['Key ID'] ?? '',
    /^"mayfly lease=ls_\w{26} issuer=git subject=x%20lease%3Dls_1%0A%22%C3%A9%29%20%28serial%201%29%20%253A"$/,
  )
  const long = await issued(grantOf({ principal: { ...principal, subject: 'x'.repeat(5000) } }))
  assert.match(long['Key ID'] ?? '', /subject=sha256=[A-Za-z0-9_-]{43}"$/)
})

test('a private key that is not that of the public key stops the start, and the failure shows no key', () => {
  const wrong = { ...sshConnectionOf(key), public_key: other.publicKey }
  const damaged = sshConnectionOf({ ...key, privateKey: key.privateKey.replace('AAAA', 'BBBB') })
  const text = sshConnectionOf({ ...key, privateKey: 'hunter2-is-no-key' })
  for (const connection of [wrong, damaged, text]) {
    assert.throws(
      () => openSshTarget({ connections: { production: connection }, tools: { randomBytes, now: Date.now } }),
      (thrown: Error) => {
        assert.match(thrown.message, /^connections\.ssh\.production: /)
        assert.ok(!thrown.message.includes('hunter2') && thrown.cause === undefined)
        return true
      },
    )
  }
})

test('the end of a lease says what its certificate still opens, and nothing once it is over', () => {
  let clock = now * 1000
  const tools = { randomBytes, now: () => clock }
  const said = (krl: boolean, name = 'production') => {
    const target = openSshTarget({ connections: { [name]: { ...sshConnectionOf(key), krl } }, tools })
    return target.outlives?.(handle)
  }
  const handle = open().prepare(grantOf({ expiresAt: now + 600 }))
  const end = new Date((now + 600) * 1000).toISOString().replace('.000Z', 'Z')
  const listed = `hosts take this certificate until they next fetch /ssh/production/krl, those that never do until ${end}`
  assert.equal(said(true), `${listed}; sessions that are open go on`)
  assert.match(said(true, 'renamed') ?? '', /fetch \/ssh\/renamed\/krl/)
  const unlisted = `no list of ours names this certificate: hosts take it until ${end}; sessions that are open go on`
  assert.equal(said(false), unlisted)
  const former = open().outlives?.({ authority: 'production', key: 'AAAA' })
  assert.match(former ?? '', /never do until its end; sessions/)
  clock = (now + 600) * 1000
  assert.equal(said(true), undefined)
})

test('serials come from the lease alone and do not collide', () => {
  const ids = Array.from({ length: 5_000 }, () => grantOf().leaseId)
  assert.equal(new Set(ids.map(serialOf)).size, ids.length)
  assert.equal(serialOf('ls_1'), serialOf('ls_1'))
  assert.ok(ids.every((id) => serialOf(id) > 0n && serialOf(id) < 2n ** 64n))
})
