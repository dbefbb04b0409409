/** What ships: the one place that knows the adapters of every extension point by name. */
import type { Json } from './base/canonical-json.ts'
import { Failure } from './base/failure.ts'
import type { Reach } from './base/reach.ts'
import type { Tools } from './base/tools.ts'
import type { Config } from './config/config.ts'
import type { PolicyInForce } from './decide/policies.ts'
import type { Grant } from './domain.ts'
import { type KeyWrap, keyWrapOf } from './issue/envelope.ts'
import { openFederation, type SignFederation } from './issue/federation.ts'
import type { Keys } from './issue/keys.ts'
import type { Seal } from './issue/seal.ts'
import type { SealedSecrets, Wraps } from './issue/sealed-secrets.ts'
import type { Target } from './issue/target.ts'
import type { TargetWord } from './issue/target-settings.ts'
import { openAuth0Target } from './issue/targets/auth0/auth0.ts'
import { openAwsTarget } from './issue/targets/aws/aws.ts'
import { openAzureTarget } from './issue/targets/azure/azure.ts'
import { openGcpTarget } from './issue/targets/gcp/gcp.ts'
import { openGithubAppTarget } from './issue/targets/github-app/github-app.ts'
import { type GithubRuns, openGithubRuns } from './issue/targets/github-app/runs.ts'
import { openKubernetesTarget } from './issue/targets/kubernetes/kubernetes.ts'
import { openMysqlTarget } from './issue/targets/mysql/mysql.ts'
import { openPostgresTarget } from './issue/targets/postgres/postgres.ts'
import { openRedisTarget } from './issue/targets/redis/redis.ts'
import { type Kept, secretAges, secretWarnings } from './issue/targets/secret/age.ts'
import { openSecretTarget } from './issue/targets/secret/secret.ts'
import {
  openSshRevocations,
  type SshRevocations,
  type SshRevocationsParts,
} from './issue/targets/ssh/revocations.ts'
import { openSshTarget } from './issue/targets/ssh/ssh.ts'
import { workloadSubject } from './issue/targets/token/subject.ts'
import { openTokenTarget } from './issue/targets/token/token.ts'
import { openAwsKmsWrap } from './issue/wraps/aws-kms/aws-kms.ts'
import type { Route } from './route/route.ts'
import { openHttpRoute } from './route/routes/http/http.ts'
import { openMcpRoute } from './route/routes/mcp/mcp.ts'
import { openPostgresRoute } from './route/routes/postgres/postgres.ts'
import type { SignIn } from './route/sign-in.ts'
import { openPostgresStore } from './store/postgres.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import type { Issuer } from './verify/issuer.ts'
import { openOidcIssuer } from './verify/issuers/oidc.ts'

/** Opens the configured store. */
export function openStore(settings: Config['store'], tools: Pick<Tools, 'now'>): Promise<Store> {
  return settings.kind === 'sqlite'
    ? openSqliteStore({ path: settings.path })
    : openPostgresStore({ url: settings.url.reveal(), now: tools.now })
}

/** Opens every configured issuer. */
export function openIssuers(config: Config, tools: Tools): readonly Issuer[] {
  return Object.entries(config.issuers).map(([name, settings]) =>
    openOidcIssuer({ name, settings, audience: config.url, tools }),
  )
}

/** Names of the issuers whose tokens are those of GitHub Actions. */
export function githubIssuers(config: Config): readonly string[] {
  return Object.entries(config.issuers)
    .filter(([, settings]) => settings.preset === 'github-actions')
    .map(([name]) => name)
}

interface TargetParts {
  readonly config: Config
  readonly tools: Tools
  readonly keys: Pick<Keys, 'signer'>
  readonly federationKeys: Pick<Keys, 'signer'> | undefined
  /** Seconds; a changed policy may raise it. */
  readonly longestToken: () => number
  readonly sealed: Pick<SealedSecrets, 'read' | 'connection'>
  /** The way to what stands behind a connector. */
  readonly through: (connector: string) => Reach
}

interface TargetKind {
  readonly open: (parts: TargetParts) => Target
  /** The configured connection that a target of this kind needs: which kind of connection, and its name. */
  readonly connection?: (settings: Json) => {
    readonly of: keyof Config['connections']
    readonly name: string
  }
}

/** Every kind of target that this version has, by the word that policies use. */
const targetKinds: Readonly<Record<TargetWord, TargetKind>> = {
  token: { open: tokenTarget },
  auth0: {
    open: ({ config, tools }) => openAuth0Target({ connections: config.connections.auth0, tools }),
    connection: (settings) => ({ of: 'auth0', name: memberText(settings, 'tenant') }),
  },
  aws_role: {
    open: (parts) =>
      openAwsTarget({
        connections: parts.config.connections.aws,
        sign: federation(parts),
        ...routed(parts),
      }),
    connection: (settings) => ({ of: 'aws', name: memberText(settings, 'connection') }),
  },
  azure: {
    open: (parts) =>
      openAzureTarget({
        connections: parts.config.connections.azure,
        sign: federation(parts),
        tools: parts.tools,
      }),
    connection: (settings) => ({ of: 'azure', name: memberText(settings, 'tenant') }),
  },
  gcp_service_account: {
    open: (parts) =>
      openGcpTarget({
        connections: parts.config.connections.gcp,
        sign: federation(parts),
        tools: parts.tools,
      }),
    connection: (settings) => ({ of: 'gcp', name: memberText(settings, 'connection') }),
  },
  github_app: {
    open: (parts) =>
      openGithubAppTarget({ connections: parts.config.connections.github_app, ...routed(parts) }),
    connection: (settings) => ({ of: 'github_app', name: memberText(settings, 'app') }),
  },
  kubernetes: {
    open: ({ config, tools }) => openKubernetesTarget({ connections: config.connections.kubernetes, tools }),
    connection: (settings) => ({ of: 'kubernetes', name: memberText(settings, 'cluster') }),
  },
  mysql_role: {
    open: ({ config, tools }) => openMysqlTarget({ connections: config.connections.mysql, tools }),
    connection: (settings) => ({ of: 'mysql', name: memberText(settings, 'server') }),
  },
  postgres_role: {
    open: (parts) =>
      openPostgresTarget({
        connections: parts.config.connections.postgres,
        through: parts.through,
        ...routed(parts),
      }),
    connection: (settings) => ({ of: 'postgres', name: memberText(settings, 'server') }),
  },
  redis_user: {
    open: ({ config, tools }) => openRedisTarget({ connections: config.connections.redis, tools }),
    connection: (settings) => ({ of: 'redis', name: memberText(settings, 'server') }),
  },
  secret: {
    open: ({ config, sealed }) => openSecretTarget({ connections: config.connections.secret, sealed }),
    connection: (settings) => ({ of: 'secret', name: secretName(settings) }),
  },
  ssh: {
    open: ({ config, tools }) => openSshTarget({ connections: config.connections.ssh, tools }),
    connection: (settings) => ({ of: 'ssh', name: memberText(settings, 'authority') }),
  },
}

/** Kinds of connection to clouds that trust our tokens. */
export function needsFederation({ connections }: Config): boolean {
  const trusting = Object.values(connections.aws).some(({ mode }) => mode === 'web_identity')
  const others = [connections.azure, connections.gcp]
  return trusting || others.some((kind) => Object.keys(kind).length > 0)
}

function federation({ config, federationKeys, tools }: TargetParts): SignFederation {
  if (federationKeys === undefined) {
    // Only a connection that needs none comes here, and it never signs.
    return () => Promise.reject(new Failure('internal', { reason: 'there are no keys for clouds' }))
  }
  const github = new Set(githubIssuers(config))
  const subject = (grant: Grant) => workloadSubject(grant.principal, github)
  return openFederation({ url: config.url, keys: federationKeys, subject, tools })
}

/** For kinds whose credential a route may use in the place of the job. */
const routed = (parts: TargetParts) => ({ tools: parts.tools, tokens: tokenTarget(parts) })

function tokenTarget({ config, keys, longestToken }: TargetParts): Target {
  return openTokenTarget({
    url: config.url,
    signer: () => keys.signer(),
    githubIssuers: githubIssuers(config),
    get maxTokenSeconds() {
      return longestToken()
    },
  })
}

function memberText(settings: Json, name: string): string {
  const value = typeof settings === 'object' && settings !== null ? Object.entries(settings) : []
  const found = value.find(([key]) => key === name)?.[1]
  return typeof found === 'string' ? found : ''
}

function secretName(settings: Json): string {
  return typeof settings === 'string' ? settings : memberText(settings, 'name')
}

/** Seconds since each static secret was replaced, as far as the configuration or the store says when. */
export function agesOfSecrets(config: Config, kept: Kept, nowMs: number): ReadonlyMap<string, number> {
  return secretAges(config.connections.secret, kept, nowMs)
}

/** Names of the static secrets that the store keeps, as the configuration has them. */
export function sealedNames({ connections }: Config): readonly string[] {
  return Object.entries(connections.secret).flatMap(([name, each]) => ('sealed' in each ? [name] : []))
}

/** The keys that may wrap those of envelopes. */
export function openWraps({ keys: { wrap: settings } }: Config, seal: Seal, tools: Tools): Wraps {
  const master = ['master key', keyWrapOf(seal)] as const
  if (settings === undefined) return { current: master[0], known: new Map([master]) }
  const nameOf = (keyId: string) => `${settings.kind} ${keyId}`
  const others = [settings.key_id, ...settings.earlier_key_ids].map(
    (keyId) => [nameOf(keyId), openAwsKmsWrap({ settings, keyId, tools })] as const,
  )
  const known = new Map<string, KeyWrap>([master, ...others])
  return { current: nameOf(settings.key_id), known, connection: 'keys.wrap' }
}

/**
 * What starts and works, and should be mended all the same; each begins with its place in the configuration. `kept`: what
 * the store says of its secrets, where somebody looked.
 */
export function connectionWarnings(
  config: Config,
  { policy }: PolicyInForce,
  nowMs: number,
  kept?: Kept,
): readonly string[] {
  const released = [...policy.targets.values()].filter(({ kind }) => kind === 'secret')
  const used = new Set(released.map(({ settings }) => secretName(settings as Json)))
  return secretWarnings(config.connections.secret, used, nowMs, kept)
}

/** True when this version can issue for such a target. */
export function isTargetKind(kind: string): kind is TargetWord {
  return Object.hasOwn(targetKinds, kind)
}

/** The connection that a target names and the configuration lacks, `postgres.staging`; `undefined` = nothing is missing. */
export function missingConnection(config: Config, kind: string, settings: Json): string | undefined {
  const needed = isTargetKind(kind) ? targetKinds[kind].connection?.(settings) : undefined
  if (needed === undefined) return undefined
  const known = Object.keys(config.connections[needed.of])
  // Where a kind may leave the name out, its only connection is meant.
  if (known.includes(needed.name) || (needed.name === '' && known.length === 1)) return undefined
  return `${needed.of}.${needed.name}`
}

/**
 * Opens every kind of target: leases of a kind that the policy no longer uses still have to end. A policy that uses
 * another kind is a fault of the wiring.
 */
export function openTargets(parts: TargetParts): ReadonlyMap<string, Target> {
  return new Map(Object.entries(targetKinds).map(([kind, { open }]) => [kind, open(parts)]))
}

/** The target that makes tokens of ours, for leases of every other kind. */
export function openLeaseTokens(parts: TargetParts): Pick<Target, 'issue'> {
  const tokens = tokenTarget(parts)
  // No API accepts this audience: the token is good for its own lease's introspection and revocation alone.
  const settings = { audience: `${parts.config.url}/lease` }
  return { issue: (grant, handle) => tokens.issue({ ...grant, settings, scopes: [] }, handle) }
}

/** Runs at GitHub, asked for through the configured apps. */
export function openRuns(config: Config, tools: Tools): GithubRuns {
  return openGithubRuns(config.connections.github_app, tools)
}

/** The lists of SSH certificates that ended early. */
export function openRevocationLists(
  config: Config,
  parts: Omit<SshRevocationsParts, 'connections'>,
): SshRevocations {
  return openSshRevocations({ connections: config.connections.ssh, ...parts })
}

/** Opens every configured route; `through`: the way to what stands behind a connector. */
export function openRoutes(
  config: Config,
  tools: Tools,
  through: (connector: string) => Reach,
  signIns: ReadonlyMap<string, SignIn>,
): readonly { readonly name: string; readonly route: Route }[] {
  const way = (via: string | undefined) => (via === undefined ? undefined : through(via))
  const { postgres } = config.connections
  return config.routes.map((settings) => {
    const { name, kind } = settings
    if (kind === 'mcp') return { name, route: openMcpRoute(settings, config.url, tools, through) }
    if (kind === 'http')
      return { name, route: openHttpRoute(settings, tools, way(settings.via), signIns.get(name)) }
    const reach = (server: string) => way(postgres[server]?.via)
    return { name, route: openPostgresRoute(settings, tools, undefined, reach) }
  })
}
