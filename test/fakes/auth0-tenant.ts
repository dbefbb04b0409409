/**
 * Auth0's side of an Action for Custom Token Exchange, as its documentation has it: the `event` and `api` that it hands
 * over, the cache with its limits, Node's globals and modules, and keys of GitHub to be fetched.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { createContext, Script } from 'node:vm'
import type { SigningKey } from './signing-key.ts'

/** What the Action did, in order: `user`, `actor`, `deny` or `reject`, and with what. */
export type Done = readonly (readonly [string, ...unknown[]])[]

export interface Auth0Tenant {
  run(token: string, identifier: string, scopes?: readonly string[]): Promise<Done>
  /** URLs that the Action asked. */
  readonly fetched: readonly string[]
  readonly cache: Map<string, { readonly value: string; readonly until: number }>
}

/** Actions limitations, "Cached data". */
const limits = { entries: 20, key: 64, value: 4096, all: 8192 } as const
const modules = new Set(['node:crypto', 'node:buffer'])

/** `now`: milliseconds. `keys` may be added to while it runs. */
export function auth0Tenant(
  source: string,
  keys: readonly SigningKey[],
  now: () => number = Date.now,
): Auth0Tenant {
  const cache: Auth0Tenant['cache'] = new Map()
  const fetched: string[] = []
  const load = createRequire(import.meta.url)
  const sandbox = {
    exports: {} as { onExecuteCustomTokenExchange?: (event: object, api: object) => Promise<void> },
    require: (name: string) => {
      assert.ok(modules.has(name), `an Action has Node and nothing else: ${name}`)
      return load(name)
    },
    fetch: async (url: string, options: { redirect?: string }) => {
      fetched.push(url)
      assert.equal(options.redirect, 'error')
      return { status: 200, text: async () => keySetText(keys) }
    },
    ...{ Buffer, TextDecoder, URL, AbortSignal, Date: { now }, console: {} },
  }
  new Script(source).runInContext(createContext(sandbox))
  const run: Auth0Tenant['run'] = async (token, identifier, scopes = []) => {
    const done: [string, ...unknown[]][] = []
    const event = {
      resource_server: { identifier },
      transaction: {
        subject_token: token,
        subject_token_type: 'urn:mayfly:job-token',
        requested_scopes: scopes,
      },
    }
    await sandbox.exports.onExecuteCustomTokenExchange?.(event, apiOf(done, cache, now))
    // What comes from another realm is compared as what it says.
    return JSON.parse(JSON.stringify(done)) as typeof done
  }
  return { run, fetched, cache }
}

/** As GitHub publishes them: each with its certificate, which is longer than the key. */
function keySetText(keys: readonly SigningKey[]): string {
  return JSON.stringify({
    keys: keys.map(({ jwk }) => ({ ...jwk, x5c: ['A'.repeat(1_400)], x5t: 'A'.repeat(27) })),
  })
}

function apiOf(done: [string, ...unknown[]][], cache: Auth0Tenant['cache'], now: () => number): object {
  const note =
    (name: string) =>
    (...given: unknown[]) =>
      void done.push([name, ...given])
  return {
    access: { deny: note('deny'), rejectInvalidSubjectToken: note('reject') },
    authentication: { setUserByConnection: note('user'), setActor: note('actor') },
    cache: {
      get: (key: string) => {
        const found = cache.get(key)
        return found !== undefined && found.until > now() ? { value: found.value } : undefined
      },
      set: (key: string, value: string, { ttl }: { ttl: number }) => {
        const others = [...cache].filter(([name]) => name !== key)
        const size = [[key, { value }] as const, ...others].reduce(
          (sum, [name, kept]) => sum + Buffer.byteLength(name) + Buffer.byteLength(kept.value),
          0,
        )
        const fits =
          others.length < limits.entries &&
          Buffer.byteLength(key) <= limits.key &&
          Buffer.byteLength(value) <= limits.value &&
          size <= limits.all
        if (fits) cache.set(key, { value, until: now() + ttl })
        return { type: fits ? 'success' : 'error' }
      },
    },
  }
}
