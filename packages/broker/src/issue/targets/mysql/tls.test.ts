import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { mysqlClient, type RunningMariadb, startMariadb } from '../../../../../../test/fakes/mariadb.ts'
import { mysqlStandIn } from '../../../../../../test/fakes/mysql-stand-in.ts'
import { withSession } from './sessions.ts'

/** A MariaDB that signs in over TLS alone, with a certificate for `name` that nobody else vouches for. */
async function serverFor(t: TestContext, name: string) {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-certificate-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const kind = ['-newkey', 'rsa:2048', '-nodes', '-x509', '-days', '2', '-subj', `/CN=${name}`]
  const words = ['req', ...kind, '-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', certificate]
  execFileSync('openssl', words, { stdio: 'ignore' })
  const server = await startMariadb(`--ssl-key=${key}`, `--ssl-cert=${certificate}`)
  t.after(() => server.stop())
  const asked = "ALTER USER broker@'%' REQUIRE SSL"
  assert.equal((await mysqlClient(server.admin, asked)).errors, '')
  return { server, certificate: readFileSync(certificate, 'utf8') }
}

function placeOf({ broker }: Pick<RunningMariadb, 'broker'>, tls: boolean) {
  const { port, username: user, password } = new URL(broker)
  return { host: 'localhost', port: Number(port), user, password, tls }
}

const cipher = (place: ReturnType<typeof placeOf>) =>
  withSession(place, async (statement) => {
    const { rows } = await statement("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    return String(rows[0]?.['Value'])
  })

test('TLS wants a certificate that somebody vouches for, with the name of the URL', async (t) => {
  const before = getCACertificates('default')
  t.after(() => setDefaultCACertificates(before))
  const { server, certificate } = await serverFor(t, 'localhost')
  await assert.rejects(cipher(placeOf(server, false)), { code: 'provider_unavailable' })
  await assert.rejects(cipher(placeOf(server, true)), { code: 'provider_unavailable' })
  setDefaultCACertificates([...before, certificate])
  assert.match(await cipher(placeOf(server, true)), /^TLS_|GCM|CHACHA/)
  const other = await serverFor(t, 'db.example')
  setDefaultCACertificates([...before, other.certificate])
  await assert.rejects(cipher(placeOf(other.server, true)), { code: 'provider_unavailable' })
})

test('a server without TLS is sent no word of who signs in', async (t) => {
  const plain = await mysqlStandIn(t)
  const url = plain.url.replace('127.0.0.1', 'localhost')
  await assert.rejects(cipher(placeOf({ broker: url }, true)), {
    code: 'provider_unavailable',
    reason: 'MySQL: it says HANDSHAKE_NO_SSL_SUPPORT',
  })
  assert.deepEqual(plain.statements, [])
})
