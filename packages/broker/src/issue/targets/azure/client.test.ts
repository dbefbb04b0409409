/** Microsoft's own client, as it is published, before the stand-in for Entra and with the assertions that we make. */
import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ClientAssertionCredential, WorkloadIdentityCredential } from '@azure/identity'
import { selfSigned } from '../../../../../../test/fakes/certificate.ts'
import { type EntraOptions, entraFor } from '../../../../../../test/fakes/entra.ts'
import type { Grant } from '../../../domain.ts'
import { openFederation } from '../../federation.ts'

const issuer = 'https://mayfly.example.com'
const subject = 'github:repository_id:40211:environment:production'
const tenant = '11111111-2222-3333-4444-555555555555'
const client = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const scope = 'https://management.azure.com/.default'
const certificate = selfSigned('127.0.0.1')
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const signer = {
  kid: 'k1',
  algorithm: 'RS256',
  sign: (input: Uint8Array | string) => createSign('sha256').update(input).sign(privateKey),
} as const

function entra(t: TestContext, over: Partial<EntraOptions> = {}) {
  const key = (kid: string) => (kid === 'k1' ? publicKey : undefined)
  const applications = { [client]: [{ issuer, subject }] }
  return entraFor(t, { now: Date.now, tenant, key, applications, certificate, ...over })
}

/** What the broker shows Entra. */
function assertion(now = Date.now): Promise<string> {
  const sign = openFederation({
    url: issuer,
    keys: { signer: () => signer },
    subject: () => subject,
    tools: { now },
  })
  const grant = { leaseId: 'ls_1', expiresAt: now() / 1000 + 600 } as Grant
  return sign(grant, { aud: 'api://AzureADTokenExchange' })
}

const optionsOf = (authorityHost: string) => ({
  authorityHost,
  // It would ask Microsoft whether such an authority exists.
  disableInstanceDiscovery: true,
  tlsOptions: { ca: certificate.cert },
  retryOptions: { maxRetries: 0 },
})

test("Microsoft's own client gets a token from the stand-in with our assertion", async (t) => {
  const fake = await entra(t)
  const credential = new ClientAssertionCredential(tenant, client, () => assertion(), optionsOf(fake.url))
  const given = await credential.getToken(scope)
  assert.deepEqual(fake.holderOf(given.token)?.client, client)
  assert.equal(fake.holderOf(given.token)?.resource, 'https://management.azure.com')
  assert.equal(fake.assertions[0]?.['sub'], subject)
})

test('so does its workload identity, which reads the assertion from a file', async (t) => {
  const fake = await entra(t)
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-azure-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const tokenFilePath = join(folder, 'assertion')
  writeFileSync(tokenFilePath, await assertion())
  const ids = { tenantId: tenant, clientId: client, tokenFilePath }
  const given = await new WorkloadIdentityCredential({ ...ids, ...optionsOf(fake.url) }).getToken(scope)
  assert.equal(fake.holderOf(given.token)?.client, client)
})

test("it tells the stand-in's refusals as those of Entra", async (t) => {
  const fake = await entra(t)
  const early = () => assertion(() => Date.now() - 900_000)
  const late = new ClientAssertionCredential(tenant, client, early, optionsOf(fake.url))
  await assert.rejects(late.getToken(scope), /AADSTS700024/)
  const other = await entra(t, { applications: { [client]: [{ issuer, subject: 'another' }] } })
  const stranger = new ClientAssertionCredential(tenant, client, () => assertion(), optionsOf(other.url))
  await assert.rejects(stranger.getToken(scope), /AADSTS700213/)
})
