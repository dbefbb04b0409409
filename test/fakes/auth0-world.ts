/** A fake tenant of Auth0 with one API and one client, and the target that asks it, on a clock that a test moves. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { newId } from '../../packages/broker/src/base/id.ts'
import { Secret } from '../../packages/broker/src/base/secret.ts'
import type { Grant } from '../../packages/broker/src/domain.ts'
import type { Issued, Target } from '../../packages/broker/src/issue/target.ts'
import { type Auth0Connection, openAuth0Target } from '../../packages/broker/src/issue/targets/auth0/auth0.ts'
import { type Auth0Fake, openAuth0Fake } from './auth0.ts'
import { type FakeTools, fakeTools } from './clock.ts'

export interface Auth0World {
  readonly fake: Auth0Fake
  readonly tools: FakeTools
  readonly target: Target
  readonly audience: string
  /** Seconds since 1970. */
  readonly now: () => number
  /** A target of another configuration, before the same tenant. */
  open(over?: Partial<Auth0Connection>): Target
  /** Of a job of its own, unless one is named; it grants `read:orders`. */
  grant(over?: Partial<Grant>, job?: string): Grant
  issue(over?: Partial<Grant>, job?: string): Promise<Issued>
}

export interface Auth0WorldOptions {
  /** Lifetime of the API's tokens; 600 when absent. */
  readonly lifetime?: number
  /** Seconds that the tenant's clock is ahead of ours. */
  readonly ahead?: number
  readonly answerMs?: number
  /** Milliseconds since 1970. */
  readonly startMs?: number
}

export const auth0Client = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6'
export const auth0Audience = 'https://orders.acme.example'

let pair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } | undefined

/** The key of the client, the same in a whole process: RSA keys are slow to make. */
export function auth0Key() {
  pair ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { privateKey, publicKey } = pair
  return { publicKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** Gives the fake its API and the broker's client. */
export function furnish(fake: Auth0Fake, lifetime = 600): void {
  const scopes = ['read:orders', 'write:orders']
  fake.apis.set(auth0Audience, { lifetime })
  fake.clients.set(auth0Client, {
    ...{ id: auth0Client, publicKey: auth0Key().publicKey, algorithm: 'RS256', kid: 'kid-1' },
    grants: { [auth0Audience]: scopes },
  })
}

/** `t`: a test's context, or `node:test` itself for a whole file. */
export async function auth0World(
  t: { after(run: () => void): void },
  options: Auth0WorldOptions = {},
): Promise<Auth0World> {
  const tools = fakeTools(options.startMs)
  const fake = await openAuth0Fake(() => tools.now() + (options.ahead ?? 0) * 1000)
  t.after(() => fake.close())
  furnish(fake, options.lifetime)
  const now = () => Math.floor(tools.now() / 1000)
  const open = (over: Partial<Auth0Connection> = {}) => {
    const { domain } = fake
    const key = { private_key: new Secret(auth0Key().pem), algorithm: 'RS256' } as const
    const connections = { acme: { domain, client_id: auth0Client, ...key, ...over } }
    return openAuth0Target({ connections, tools, answerMs: options.answerMs ?? 2000 })
  }
  const target = open()
  let jobs = 0
  const grant = (over: Partial<Grant> = {}, job = `job of its own ${++jobs}`): Grant => ({
    leaseId: newId('ls', { now: tools.now, randomBytes }),
    principal: {
      ...{ issuer: 'github', iss: 'i', subject: 's', claims: {}, replayKey: 'k', replayUntil: 1 },
      job: { issuer: 'github', id: job },
    },
    target: 'orders',
    kind: 'auth0',
    settings: { tenant: 'acme', audience: auth0Audience, scopes: ['read:orders', 'write:orders'] },
    scopes: ['read:orders'],
    issuedAt: now(),
    expiresAt: now() + 600,
    ...over,
  })
  const issue = (over: Partial<Grant> = {}, job?: string) => target.issue(grant(over, job), null)
  return { fake, tools, target, audience: auth0Audience, now, open, grant, issue }
}
