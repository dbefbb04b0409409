/** Places whose credentials end by themselves, or with their lease at each use: the log says what lives on. */
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { atEnd } from './at-end.ts'
import { openAuth0Fake } from './auth0.ts'
import { auth0Audience, auth0Client, auth0Key, furnish } from './auth0-world.ts'
import { stsFor } from './aws-sts.ts'
import { entraFor } from './entra.ts'
import { gcpFor } from './gcp.ts'
import { type Ground, type Place, wired } from './place.ts'
import { ask } from './requests.ts'
import { makeKey, sshFolder } from './sshd.ts'

interface Jwk {
  readonly kid: string
  readonly kty: string
}

/** Public keys of the broker, as clouds fetch them. */
export interface TrustedKeys {
  readonly key: (kid: string) => KeyObject | undefined
  /** Reads the JWK Set of a running broker. */
  learn(url: string): Promise<void>
}

export function trustedKeys(): TrustedKeys {
  const keys = new Map<string, KeyObject>()
  return {
    key: (kid) => keys.get(kid),
    async learn(url) {
      const { body } = await ask(`${url}/.well-known/jwks.json`)
      for (const jwk of body['keys'] as readonly Jwk[])
        keys.set(jwk.kid, createPublicKey({ key: { ...jwk }, format: 'jwk' }))
    },
  }
}

/** One of each. */
export async function placesUntilExpiry(ground: Ground, key: TrustedKeys['key']): Promise<readonly Place[]> {
  const clouds = [aws(ground, key), gcp(ground, key), azure(ground, key), auth0(ground)]
  return await Promise.all([...clouds, ssh(), secret(), token()])
}

async function aws({ t, now, issuer }: Ground, key: TrustedKeys['key']): Promise<Place> {
  const role = 'arn:aws:iam::111122223333:role/deploy'
  const trusted = { issuer: issuer(), key }
  const sts = await stsFor(t, { now, region: 'eu-central-1', roles: [role], provider: trusted })
  const { wire, url } = await wired(t, sts.url)
  return {
    kind: 'aws_role',
    settings: role,
    connections: { aws: { main: { mode: 'web_identity', region: 'eu-central-1', sts: url } } },
    wire,
    outlives: /^STS recalls no keys: these work until /,
  }
}

async function gcp({ t, now, issuer }: Ground, key: TrustedKeys['key']): Promise<Place> {
  const account = 'push@acme-images.iam.gserviceaccount.com'
  const audience =
    '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/jobs/providers/mayfly'
  const fake = await gcpFor(t, { now, audience, issuer: issuer(), key, accounts: [account] })
  const { wire, url } = await wired(t, fake.url)
  return {
    kind: 'gcp_service_account',
    settings: account,
    connections: { gcp: { main: { audience, sts: url, iamcredentials: url } } },
    wire,
    outlives: /^Google recalls no access token of a service account/,
  }
}

async function azure({ t, now, issuer }: Ground, key: TrustedKeys['key']): Promise<Place> {
  const tenant = '11111111-2222-3333-4444-555555555555'
  const client = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
  const subject = 'github:repository_id:40211:environment:staging'
  const applications = { [client]: [{ issuer: issuer(), subject }] }
  const entra = await entraFor(t, { now, tenant, key, applications })
  const { wire, url } = await wired(t, entra.url)
  return {
    kind: 'azure',
    settings: { client, scope: 'https://management.azure.com/.default' },
    connections: { azure: { acme: { tenant, authority: url } } },
    wire,
    outlives: /^Entra recalls no access token/,
  }
}

async function auth0({ t, now }: Ground): Promise<Place> {
  const fake = await openAuth0Fake(now)
  atEnd(t, () => fake.close())
  furnish(fake)
  const { wire, url } = await wired(t, fake.url)
  const domain = new URL(url).host
  // A tenant knows itself by the name that it is asked under.
  Object.assign(fake, { url, domain })
  const key = { private_key: { file: './auth0.pem' } }
  return {
    kind: 'auth0',
    settings: { tenant: 'acme', audience: auth0Audience, scopes: { 'read:orders': 'read' } },
    connections: {
      auth0: { acme: { domain, client_id: auth0Client, ...key, dangerously_allow_http: true } },
    },
    files: { 'auth0.pem': auth0Key().pem },
    wire,
    outlives: /^Auth0 recalls no access token/,
    asked: { scope: 'read:orders' },
  }
}

async function ssh(): Promise<Place> {
  const authority = await makeKey(sshFolder(), '-t', 'ed25519')
  const public_key = authority.publicKey.trim()
  return {
    kind: 'ssh',
    settings: { authority: 'web', principals: ['deploy'] },
    connections: { ssh: { web: { private_key: { file: './authority' }, public_key } } },
    files: { authority: authority.privateKey },
    outlives:
      /^hosts take this certificate until they next fetch \/ssh\/web\/krl, those that never do until 2/,
  }
}

async function secret(): Promise<Place> {
  return {
    kind: 'secret',
    settings: 'registry',
    connections: { secret: { registry: { file: './registry', last_replaced: '2026-01-01' } } },
    files: { registry: randomBytes(18).toString('hex') },
    outlives: /can use it until it is replaced/,
  }
}

async function token(): Promise<Place> {
  return { kind: 'token', settings: { audience: 'https://each.acme.example' }, connections: {} }
}
