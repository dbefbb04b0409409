/** Doors with nothing real behind them: what tests of the http room open. */
import { randomBytes } from 'node:crypto'
import { Failure } from '../src/base/failure.ts'
import { Secret } from '../src/base/secret.ts'
import { silent, type Tools } from '../src/base/tools.ts'
import type { ExchangeAnswer, ExchangeRequest } from '../src/exchange.ts'
import type { DoorLimits, Listening } from '../src/http/app.ts'
import { openDoors } from '../src/http/app.ts'
import type { Doors } from '../src/http/doors.ts'

export const now = 1_800_000_000

/** Tools with a clock that stands still and timers that are real. */
export const testTools: Tools = {
  now: () => now * 1000,
  randomBytes: (size) => randomBytes(size),
  log: silent,
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A token that the exchange of these doors accepts. */
export const goodToken = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"job"}').toString('base64url')}.c2ln`

export const issued: ExchangeAnswer = {
  leaseId: 'ls_1',
  kind: 'token',
  grants: ['shop'],
  credential: {
    token: new Secret('issued-access-token'),
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    tokenType: 'Bearer',
  },
  scopes: ['orders.read', 'orders.write'],
  issuedAt: now,
  expiresAt: now + 900,
}

/** Doors, and what the exchange behind them was asked. */
export function fakeDoors(changes: Partial<Doors> = {}): { doors: Doors; requests: ExchangeRequest[] } {
  const requests: ExchangeRequest[] = []
  const doors: Doors = {
    url: 'https://mayfly.example.com',
    algorithms: ['ES256'],
    jwks: () => ({ keys: [{ kty: 'EC', kid: 'one' }] }),
    exchange: async (request) => {
      requests.push(request)
      if (!request.subjectToken.equals(goodToken)) {
        throw new Failure('subject_token_invalid', { reason: 'bad signature' }).recorded('au_1')
      }
      return issued
    },
    introspectionClients: [
      { name: 'orders', target: 'orders-api', secret: new Secret('orders-secret+/with%41=') },
    ],
    undelivered: async () => {},
    introspect: async () => ({ active: false }),
    revoke: async () => {},
    record: async () => 'au_2',
    audit: {
      checkpoint: async () => 'mayfly.example.com\n1\nroot=\n\n— mayfly sig\n',
      entries: async () => [],
      inclusion: async () => [],
      consistency: async () => [],
    },
    ready: async () => ({ store: true }),
    metricsText: async () => 'mayfly_up 1\n',
    tools: testTools,
    ...changes,
  }
  return { doors, requests }
}

/** Listening doors on a free port of loopback; close them with `await using`. */
export async function listeningDoors(
  changes: Partial<Doors> = {},
  limits: Partial<DoorLimits> = {},
): Promise<Listening & AsyncDisposable & { readonly requests: ExchangeRequest[] }> {
  const { doors, requests } = fakeDoors(changes)
  const listening = await openDoors(doors, { host: '127.0.0.1', port: 0, limits })
  return { ...listening, requests, [Symbol.asyncDispose]: () => listening.close(0) }
}

/** Posts a form. */
export function postForm(
  url: string,
  form: Record<string, string> | string,
  headers = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  })
}

/** A token request as RFC 8693 2.1 has it. */
export const goodForm = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: goodToken,
  subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  audience: 'orders-api',
}
