/** The house rules of ARCHITECTURE.md as tests. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { productSources, type SourceFile } from './source-files.ts'

const sources = productSources()
const broker = 'packages/broker/src/'

const packageOf = (path: string) => /^packages\/([a-z]+)\//.exec(path)?.[1]
const inBroker = sources.filter((file) => file.path.startsWith(broker))

/** `packages/broker/src/verify/jwks.ts` -> `verify`; files at the top are their own room. */
function roomOf(path: string): string | undefined {
  if (!path.startsWith(broker)) return undefined
  const rest = path.slice(broker.length)
  return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : rest.replace(/\.ts$/, '')
}

function faults(find: (file: SourceFile) => readonly string[], among = sources): string[] {
  return among.flatMap((file) => find(file).map((fault) => `${file.path}: ${fault}`))
}

test('the sources were found', () => {
  assert.ok(sources.length > 50, `only ${sources.length} files`)
})

test('what runs at the caller never imports the server', () => {
  const allowed: Record<string, readonly string[]> = {
    policy: ['policy'],
    broker: ['broker', 'policy'],
    client: ['client'],
    action: ['action', 'client'],
    cli: ['cli', 'policy', 'client', 'broker'],
  }
  const found = faults((file) =>
    file.imports
      .map((each) => packageOf(each.from))
      .filter((name) => name !== undefined && !allowed[packageOf(file.path) ?? '']?.includes(name))
      .map((name) => `imports ${name}`),
  )
  assert.deepEqual(found, [])
})

test('the command line loads the broker only when a command needs it', () => {
  const found = faults(
    (file) =>
      file.imports
        .filter((each) => packageOf(each.from) === 'broker' && !each.typeOnly && each.names !== '')
        .map((each) => `imports ${each.from} at start`),
    sources.filter((file) => file.path === 'packages/cli/src/main.ts'),
  )
  assert.deepEqual(found, [])
})

test('policy and client use no Node built-ins, and client has no dependencies', () => {
  const found = faults(
    (file) => file.imports.filter((each) => each.from.startsWith('node:')).map((each) => each.from),
    sources.filter((file) => ['policy', 'client'].includes(packageOf(file.path) ?? '')),
  )
  assert.deepEqual(found, [])
  const manifest = JSON.parse(readFileSync('packages/client/package.json', 'utf8')) as {
    dependencies?: object
  }
  assert.equal(manifest.dependencies, undefined)
})

/** A room may import these; `!` marks the contract file of another room (types, and what it throws). */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  domain: ['base'],
  verify: ['base', 'domain'],
  decide: ['base', 'domain'],
  issue: ['base', 'domain', 'store!'],
  store: ['base', 'domain'],
  route: ['base', 'domain'],
  http: ['base', 'domain', 'exchange!', 'sessions!'],
  revoke: ['base', 'domain', 'issue!', 'store!'],
  audit: ['base', 'domain', 'store!'],
  config: ['base', 'domain', 'verify!', 'store!', 'issue!', 'route!'],
  exchange: ['base', 'domain', 'issue!', 'store!', 'refusal', 'asker'],
  asker: ['base', 'domain', 'store!'],
  refusal: ['base', 'domain', 'store!'],
}

const contracts = new Set(
  [
    'verify/settings.ts',
    'verify/issuer.ts',
    'store/settings.ts',
    'store/store.ts',
    'issue/settings.ts',
    'issue/connections.ts',
    'issue/target.ts',
    'route/settings.ts',
    'route/route.ts',
    'exchange.ts',
    'sessions.ts',
  ].map((path) => broker + path),
)

test('rooms import only what they may', () => {
  const found = faults((file) => {
    const room = roomOf(file.path) ?? ''
    const allowed = mayImport[room]
    if (allowed === undefined) return []
    return file.imports
      .filter((each) => {
        const other = roomOf(each.from)
        if (other === undefined || other === room || allowed.includes(other)) return false
        return !(allowed.includes(`${other}!`) && contracts.has(each.from))
      })
      .map((each) => `imports ${each.from}`)
  }, inBroker)
  assert.deepEqual(found, [])
})

test('adapters are imported by kinds.ts alone', () => {
  const adapter = /\/(issuers|targets|routes|wraps)\/[^/]+(\.ts|\/)|\/store\/(sqlite|postgres)\.ts$/
  const own = (path: string) => /^(.*\/(?:issuers|targets|routes|wraps))\//.exec(path)?.[1]
  const found = faults((file) => {
    if (file.path === `${broker}kinds.ts`) return []
    // What the configuration says of each kind is gathered beside the kinds; nothing of it runs.
    const gathers = ['connections', 'settings', 'target-settings'].some(
      (name) => file.path === `${broker}issue/${name}.ts`,
    )
    return file.imports
      .filter((each) => adapter.test(each.from) && !each.typeOnly)
      .filter((each) => !(gathers && each.from.endsWith('/settings.ts')))
      .filter((each) => own(each.from) === undefined || own(each.from) !== own(file.path))
      .map((each) => `imports ${each.from}`)
  }, inBroker)
  assert.deepEqual(found, [])
})

test('there are no cycles', () => {
  const edges = new Map(sources.map((file) => [file.path, file.imports.map((each) => each.from)]))
  const done = new Set<string>()
  const cycles: string[] = []
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (trail.includes(path) || done.has(path)) return
    for (const next of edges.get(path) ?? []) if (edges.has(next)) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) walk(path, [])
  assert.deepEqual(cycles, [])
})

test('no file re-exports another', () => {
  const found = faults((file) =>
    /^export\s+(type\s+)?(\*|\{[^}]*\})\s*from/m.test(file.text) ? ['re-exports'] : [],
  )
  assert.deepEqual(found, [])
})

test('effects arrive as parameters', () => {
  const pattern = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.env\b|performance\.now\(/
  const found = faults(
    (file) => (pattern.test(file.text) ? [`uses ${pattern.exec(file.text)?.[0]}`] : []),
    sources.filter((file) => ['policy', 'broker', 'client'].includes(packageOf(file.path) ?? '')),
  ).filter((fault) => !fault.startsWith(`${broker}main.ts`))
  assert.deepEqual(found, [])
})

test('a secret is opened only where it is delivered, used or resolved', () => {
  const allowed = [
    /^approver\.ts$/, // the HMAC key of what is sent
    /^asker\.ts$/, // to the verifier
    /^issue\/(targets|wraps)\//,
    /^base\/sigv4\.ts$/, // to sign with
    /^config\/tls\.ts$/, // to see that it is PEM
    /^issue\/seal\.ts$/, // the master key
    /^issue\/sealed-secrets\.ts$/, // into an envelope
    /^route\/routes\//,
    /^route\/gate\.ts$/, // to the verifier
    /^http\/token\.ts$/, // the response
    /^(?:sign-in|provider)\.ts$/, // the client's at the provider, and the token of whoever signs out
    /^http\/dialects\/[a-z-]+\/[a-z-]+\.ts$/, // the same in another protocol
    /^revoke\/job-end\.ts$/, // the webhook's HMAC key
    /^(broker|doorway|kinds|main)\.ts$/, // wiring: connection strings, tokens on their way to the verifier
  ]
  const found = faults((file) => {
    const inside = file.path.slice(broker.length)
    return /\.reveal\(\)/.test(file.text) && !allowed.some((pattern) => pattern.test(inside))
      ? ['reveals']
      : []
  }, inBroker)
  assert.deepEqual(
    found.filter((fault) => !fault.includes('base/secret.ts')),
    [],
  )
})

test("files hold one idea and names are the field's own", () => {
  const found = faults((file) => {
    const lines = file.text.split('\n').length
    const name = file.path.slice(file.path.lastIndexOf('/') + 1)
    return [
      ...(lines > 300 ? [`has ${lines} lines`] : []),
      ...(/manager|service|util|helper|handler/.test(name) ? ['has a name that says nothing'] : []),
      ...(/^[a-z0-9.-]+$/.test(name) ? [] : ['is not in kebab-case']),
    ]
  })
  assert.deepEqual(found, [])
})

test('nothing silences the compiler', () => {
  const found = faults((file) =>
    /@ts-(ignore|nocheck|expect-error)|\bas any\b|biome-ignore/.test(file.text) ? ['does'] : [],
  )
  assert.deepEqual(found, [])
})

/** Files that begin with what they own, what they never do and who calls them; the first of each is a room's. */
const openers: readonly (readonly [string, string])[] = [
  ['base', 'base/secret.ts'],
  ['domain', 'domain.ts'],
  ['verify', 'verify/issuer.ts'],
  ['oidc', 'verify/issuers/oidc.ts'],
  ['decide', 'decide/policies.ts'],
  ['issue', 'issue/target.ts'],
  ['revoke', 'revoke/revoke.ts'],
  ['job-end', 'revoke/job-end.ts'],
  ['audit', 'audit/events.ts'],
  ['verify', 'audit/verify.ts'],
  ['store', 'store/store.ts'],
  ['route', 'route/route.ts'],
  ['gate', 'route/gate.ts'],
  ['connectors', 'route/connectors/connectors.ts'],
  ['config', 'config/config.ts'],
  ['http', 'http/app.ts'],
  ['mcp', 'route/routes/mcp/mcp.ts'],
  ['core', 'core.ts'],
  ['doorway', 'doorway.ts'],
  ['dialects', 'dialects.ts'],
  ['octo-sts', 'http/dialects/octo-sts/octo-sts.ts'],
  ['aws-sts', 'http/dialects/aws-sts/aws-sts.ts'],
  ['google', 'http/dialects/google/google.ts'],
  ['vault', 'http/dialects/vault/vault.ts'],
  ['sessions', 'sessions.ts'],
  ['sign-in', 'sign-in.ts'],
  ['office', 'office.ts'],
]

test('each room, and each file that guards a way, says what it owns', () => {
  const silent = openers.filter(
    ([name, path]) => !readFileSync(broker + path, 'utf8').startsWith(`/**\n * ${name}: `),
  )
  assert.deepEqual(silent, [])
})

test('every runtime dependency has its line in the decision record', () => {
  const record = readFileSync('docs/decisions/0001-runtime-dependencies.md', 'utf8')
  const names = globSync('packages/*/package.json').flatMap((path) => {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { dependencies?: Record<string, string> }
    return Object.keys(manifest.dependencies ?? {}).filter((name) => !name.startsWith('@mayfly/'))
  })
  assert.deepEqual(
    names.filter((name) => !record.includes(`\`${name}\``)),
    [],
  )
})

test('the lockfile records no download address', () => {
  assert.doesNotMatch(readFileSync('package-lock.json', 'utf8'), /"resolved": "http/)
})
