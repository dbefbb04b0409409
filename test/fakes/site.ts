/** Everything that an operator writes before a broker starts: a real `mayfly.yaml` with its secrets and its policy. */
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { atEnd } from './at-end.ts'
import { freePort } from './free-port.ts'

export interface SiteOptions {
  /** Name to exact issuer; all speak GitHub's protocol over http on loopback. Policies know `github` alone. */
  readonly issuers: Readonly<Record<string, string>>
  /** Connection string of PostgreSQL; an SQLite file in the site's folder when absent. */
  readonly database?: string
  /** Text of the policy; that of `examples/startup` when absent. */
  readonly policy?: string
  /** Opens the routes `orders` (orders-api) and `orders-staging` (orders-api-staging) to it. */
  readonly upstream?: string
  readonly exchangesPerJob?: number
  /** Connectors of the target `connectors`; the routes reach their upstream through the first. */
  readonly connectors?: readonly string[]
}

export interface Site {
  readonly folder: string
  /** The broker's URL: the audience of subject tokens. The broker of `config` listens there. */
  readonly url: string
  /** Path of the configuration of the broker that listens at `url`. */
  readonly config: string
  /** The same broker once more, on any free port. */
  readonly replica: string
  readonly secrets: Readonly<Record<SecretName, string>>
}

/** Names of the resource servers that may introspect, and of their secrets. */
export const resourceServers = { 'orders-api': 'orders', 'orders-api-staging': 'staging' } as const

const secretNames = ['master-key', 'webhook-secret', 'audit-reader', 'orders', 'staging'] as const
type SecretName = (typeof secretNames)[number]

const lock = `owners:\n  acme: 9919\nrepos:\n  acme/shop: 40211\nusers: {}\n`

/** Writes a site into a folder of its own, which ends with the test. */
export async function makeSite(t: TestContext, options: SiteOptions): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-site-'))
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }))
  const url = `http://127.0.0.1:${await freePort()}`
  const secrets = Object.fromEntries(
    secretNames.map((name) => [name, randomBytes(32).toString('base64')]),
  ) as Record<SecretName, string>
  for (const [name, value] of Object.entries(secrets)) write(folder, name, `${value}\n`)
  if (options.database !== undefined) write(folder, 'database', options.database)
  if (options.policy === undefined) {
    cpSync(join(import.meta.dirname, '../../examples/startup/policies'), join(folder, 'policies'), {
      recursive: true,
    })
  } else {
    mkdirSync(join(folder, 'policies'))
    write(folder, 'policies/site.policy.yaml', options.policy)
    write(folder, 'policies/policy.lock.yaml', lock)
  }
  const config = write(folder, 'mayfly.yaml', configText(url, new URL(url).host, options))
  const replica = write(folder, 'replica.yaml', configText(url, '127.0.0.1:0', options))
  return { folder, url, config, replica, secrets }
}

function configText(url: string, listen: string, options: SiteOptions): string {
  const [first] = options.connectors ?? []
  const via = first === undefined ? '' : `, via: ${first}`
  const route = (name: string, target: string) =>
    `  - { kind: http, name: ${name}, listen: "127.0.0.1:0", upstream: "${options.upstream}", target: ${target}${via} }`
  return [
    `url: ${url}`,
    `listen: ${listen}`,
    options.database === undefined
      ? 'store: { kind: sqlite, path: ./mayfly.db }'
      : 'store: { kind: postgres, url: { file: ./database } }',
    'keys: { encryption: { file: ./master-key } }',
    'issuers:',
    ...Object.entries(options.issuers).map(
      ([name, issuer]) =>
        `  ${name}: { preset: github-actions, issuer: "${issuer}", dangerously_allow_http: true }`,
    ),
    'policies: ./policies',
    'webhooks: { github: { secret: { file: ./webhook-secret } } }',
    'audit: { reader: { file: ./audit-reader } }',
    'introspection:',
    ...Object.entries(resourceServers).map(
      ([target, name]) => `  - { name: ${name}, target: ${target}, secret: { file: ./${name} } }`,
    ),
    ...(options.exchangesPerJob === undefined
      ? []
      : [`limits: { exchanges_per_job: ${options.exchangesPerJob} }`]),
    ...(first === undefined ? [] : ['connectors:']),
    ...(options.connectors ?? []).map((name) => `  ${name}: { target: connectors }`),
    ...(options.upstream === undefined
      ? []
      : ['routes:', route('orders', 'orders-api'), route('orders-staging', 'orders-api-staging')]),
    '',
  ].join('\n')
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
