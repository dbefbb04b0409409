import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface BrokerFolder {
  readonly config: string
  readonly database: string
  remove(): void
}

/** A folder with everything a broker needs: configuration, a policy of `grants` grants, and its lock. */
export function brokerFolder(options: { issuer: string; url: string; grants: number }): BrokerFolder {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-bench-'))
  mkdirSync(join(folder, 'policies'))
  const config = join(folder, 'mayfly.yaml')
  writeFileSync(
    config,
    [
      `url: ${options.url}`,
      'listen: 127.0.0.1:0',
      'store: { kind: sqlite, path: ./mayfly.db }',
      'keys: { algorithm: ES256, rotate_every: 24h, encryption: { env: MAYFLY_MASTER_KEY } }',
      'issuers:',
      `  github: { preset: github-actions, issuer: '${options.issuer}', dangerously_allow_http: true }`,
      'policies: ./policies',
      '',
    ].join('\n'),
  )
  writeFileSync(join(folder, 'policies', 'bench.policy.yaml'), policyText(options.grants))
  writeFileSync(join(folder, 'policies', 'policy.lock.yaml'), lockText(options.grants))
  return {
    config,
    database: join(folder, 'mayfly.db'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** One grant for acme/shop, the others each for a repository of its own. */
function policyText(grants: number): string {
  const others = Array.from(
    { length: grants - 1 },
    (_, i) =>
      `  - { name: g${i}, who: { repo: acme/r${i}, branch: main, environment: production }, get: orders-api, for: 10m }`,
  )
  return [
    'version: 1',
    'issuers: { github: { owners: [acme] } }',
    'targets:',
    '  orders-api: { tier: production, access: write, max: 15m,',
    '    token: { audience: https://orders.acme.example, scopes: [orders:read, orders:write] } }',
    'grants:',
    '  - { name: shop, who: { repo: acme/shop, branch: main, environment: production }, get: orders-api, for: 10m }',
    ...others,
    '',
  ].join('\n')
}

function lockText(grants: number): string {
  const others = Array.from({ length: grants - 1 }, (_, i) => `  acme/r${i}: ${500_000 + i}`)
  return ['owners: { acme: 9919 }', 'repos:', '  acme/shop: 40211', ...others, ''].join('\n')
}
