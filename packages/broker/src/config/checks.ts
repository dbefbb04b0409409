/** Faults that need more than one value to see. */
import { collide, isLoopback } from '../base/address.ts'
import { configuredIssuer, keyPlaceFault } from '../verify/settings.ts'
import type { ParsedConfig } from './config.ts'
import type { Path } from './document.ts'
import { named } from './issues.ts'
import type { ReferenceFault } from './references.ts'

/** Everything that is wrong between values. */
export function checkAcross(config: ParsedConfig): readonly ReferenceFault[] {
  return [
    ...checkUrl(config.url).map((message) => ({
      path: ['url'],
      message,
      visible: !config.url.includes('@'),
    })),
    ...checkIssuers(config),
    ...checkKeyPlaces(config),
    ...checkPlain(config),
    ...checkListening(config),
    ...checkNames(config),
    ...checkVia(config),
    ...checkAsked(config),
  ]
}

/** Who asks for these audiences talks to somebody else; a token for them must mean nothing here (A34). */
const knownHosts = [
  'sts.amazonaws.com',
  'github.com',
  'token.actions.githubusercontent.com',
  'gitlab.com',
  'sts.googleapis.com',
  'iam.googleapis.com',
  'sigstore.dev',
  'fulcio.sigstore.dev',
  'octo-sts.dev',
  'pypi.org',
  'registry.npmjs.org',
  'crates.io',
  'rubygems.org',
]

function checkUrl(text: string): readonly string[] {
  // Written as clouds compare it: character by character with `iss` and `aud` (RFC 8414 3.3).
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
    return ['`url` is our issuer and audience; write it like https://mayfly.example.com']
  }
  const faults: string[] = []
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    faults.push('`url` must be https; plain http works on loopback only')
  }
  if (url.username !== '' || url.password !== '') faults.push('`url` must not hold credentials')
  if (text.includes('?') || text.includes('#')) faults.push('`url` must not have a query or a fragment')
  else if (text.endsWith('/')) faults.push('`url` must not end in a slash')
  else if (faults.length === 0 && url.href.replace(/\/$/, '') !== text) {
    faults.push(
      '`url` must be written plainly: lower-case host, no default port, no dots or escapes in its path',
    )
  }
  const host = url.hostname
  if (knownHosts.some((known) => host === known || host.endsWith(`.${known}`))) {
    faults.push(
      `\`url\` is the audience of tokens for ${host}; a token for another party must mean nothing here`,
    )
  }
  return faults
}

function checkIssuers(config: ParsedConfig): readonly ReferenceFault[] {
  const seen = new Map<string, string>()
  return Object.entries(config.issuers).flatMap(([name, settings]) => {
    const path: Path = ['issuers', name]
    const issuer = configuredIssuer(settings)
    if (issuer === undefined)
      return [{ path, message: `${named(path)} needs \`issuer\`: each tenant has its own` }]
    const url = issuer.replace(/\/$/, '')
    if (url === config.url) return [{ path, message: `${named(path)} is this broker itself` }]
    const before = seen.get(url)
    seen.set(url, name)
    if (before === undefined) return []
    return [{ path, message: `${named(path)} has the same issuer as \`${before}\`: a token must have one` }]
  })
}

function checkKeyPlaces(config: ParsedConfig): readonly ReferenceFault[] {
  return Object.entries(config.issuers).flatMap(([name, settings]) => {
    const path: Path = ['issuers', name, 'jwks_uri']
    const fault = keyPlaceFault(settings)
    return fault === undefined ? [] : [{ path, message: `${named(path)} ${fault}` }]
  })
}

/** Plain http is for this machine alone: tokens that others send to it would cross their network in the open. */
function checkPlain({ url, listen }: ParsedConfig): readonly ReferenceFault[] {
  if (!url.startsWith('http:') || isLoopback(listen.host)) return []
  const message =
    '`listen` is reached from other machines, but `url` is plain http, which works on loopback only; ' +
    'listen on 127.0.0.1, or let `url` be the https address that callers use'
  return [{ path: ['listen'], message, visible: true }]
}

function checkListening(config: ParsedConfig): readonly ReferenceFault[] {
  const places = [
    { path: ['listen'] as Path, address: config.listen },
    ...config.routes.map((route, index) => ({
      path: ['routes', index, 'listen'] as Path,
      address: route.listen,
    })),
  ]
  return places.flatMap(({ path, address }, index) => {
    const other = places.slice(0, index).find((each) => collide(each.address, address))
    return other === undefined ? [] : [{ path, message: `${named(path)} is taken by ${named(other.path)}` }]
  })
}

function checkNames(config: ParsedConfig): readonly ReferenceFault[] {
  return (['routes', 'introspection'] as const).flatMap((list) => {
    const names: readonly string[] = config[list].map((each) => each.name)
    return names.flatMap((name, index) => {
      const path: Path = [list, index, 'name']
      return names.indexOf(name) === index ? [] : [{ path, message: `${named(path)} is used twice` }]
    })
  })
}

/** Names that mean one thing in the log and in metrics, and connectors that are there. */
function checkVia({ routes, connectors, connections }: ParsedConfig): readonly ReferenceFault[] {
  const shared = routes.flatMap(({ name }, index) => {
    const path: Path = ['routes', index, 'name']
    return Object.hasOwn(connectors, name)
      ? [{ path, message: `${named(path)} is the name of a connector too` }]
      : []
  })
  const servers = Object.entries(connections.postgres).map(([name, { via }]) => ({
    path: ['connections', 'postgres', name, 'via'] as Path,
    via,
  }))
  const wanted = routes.flatMap((route, index) => [
    ...('via' in route ? [{ path: ['routes', index, 'via'] as Path, via: route.via }] : []),
    ...('servers' in route
      ? Object.entries(route.servers).map(([name, { via }]) => ({
          path: ['routes', index, 'servers', name, 'via'] as Path,
          via,
        }))
      : []),
  ])
  const absent = [...servers, ...wanted].flatMap(({ path, via }) =>
    via === undefined || Object.hasOwn(connectors, via)
      ? []
      : [{ path, message: `${named(path)} needs the connector \`${via}\`, which is not there` }],
  )
  return [...shared, ...absent]
}

/** Another platform's runs have the same ids: only an issuer of GitHub's own, by an app that is configured. */
function checkAsked({ webhooks, issuers, connections }: ParsedConfig): readonly ReferenceFault[] {
  return Object.entries(webhooks.github?.ask ?? {}).flatMap(([issuer, app]) => {
    const path: Path = ['webhooks', 'github', 'ask', issuer]
    const known = Object.hasOwn(issuers, issuer) ? issuers[issuer] : undefined
    if (known?.preset !== 'github-actions')
      return [{ path, message: `${named(path)} is no issuer of preset github-actions` }]
    if (Object.hasOwn(connections.github_app, app)) return []
    return [
      { path, message: `${named(path)} needs the connection \`github_app.${app}\`, which is not there` },
    ]
  })
}
