/** What people sign in by at each route that lets them, out of the configuration. */
import { spent } from './asker.ts'
import type { Core } from './core.ts'
import { recordedAsker } from './decide/recorded-decision.ts'
import { strongerFor } from './decide/stronger.ts'
import type { Exchange } from './exchange.ts'
import type { OwnTokens } from './own-token.ts'
import { openProvider, type Provider } from './provider.ts'
import { openIssuedEntries } from './revoke/issued-entries.ts'
import type { SignIn } from './route/sign-in.ts'
import { openSignIn } from './sign-in.ts'
import { fetchDocument } from './verify/fetch-document.ts'
import { postForm } from './verify/post-form.ts'
import { configuredIssuer } from './verify/settings.ts'
import type { SubjectVerifier } from './verify/subject.ts'

interface Needs {
  readonly exchange: Exchange
  readonly subjects: SubjectVerifier
  readonly tokens: OwnTokens
}

/** By the name of the route. */
export function openSignIns(core: Core, { exchange, subjects, tokens }: Needs): ReadonlyMap<string, SignIn> {
  const { config, store, seal, revoke, tools } = core
  const issuedEntries = openIssuedEntries(store)
  const found = new Map<string, SignIn>()
  for (const route of config.routes) {
    if (route.kind !== 'http' || route.sign_in === undefined) continue
    const { url: origin, client_id: clientId, issuer: signInIssuer } = route.sign_in
    const signIn = openSignIn({
      ...{ route: route.name, target: route.target, origin, clientId, exchange, seal, tools },
      broker: config.url,
      issuer: route.sign_in.issuer,
      provider: providerOf(core, route.sign_in),
      verify: (token, audience, type) => subjects.verify(token, audience, type),
      spend: spent,
      commit: (changes) => store.commit(changes),
      active: (token) => tokens.active(token).catch(() => undefined),
      claimsOf: async (lease) => recordedAsker((await issuedEntries([lease])).get(lease.id))?.claims,
      strongerFor: (claims, scopes) =>
        strongerFor(core.policy.inForce(), {
          ...{ issuer: signInIssuer, claims, target: route.target },
          ...(scopes === undefined ? {} : { scopes }),
        }),
      endLease: (lease) => revoke.endLease(lease, 'caller'),
      endJob: (job, via) => revoke.endJob(job, via),
    })
    found.set(route.name, signIn)
  }
  return found
}

type Settings = NonNullable<Extract<Core['config']['routes'][number], { kind: 'http' }>['sign_in']>

function providerOf({ config, tools }: Core, settings: Settings): Provider {
  const issuer = config.issuers[settings.issuer]
  const iss = issuer === undefined ? undefined : configuredIssuer(issuer)
  if (issuer === undefined || iss === undefined)
    throw new TypeError(`\`sign_in\` names the issuer \`${settings.issuer}\`, which has no address`)
  const reach = { privateNetwork: issuer.private_network, loopbackHttp: issuer.dangerously_allow_http }
  return openProvider({
    issuer: iss,
    scopes: settings.scopes,
    acrValues: settings.acr_values,
    clientId: settings.client_id,
    clientSecret: settings.client_secret,
    fetchDocument: (url) => fetchDocument(url, reach),
    post: (url, headers, body) => postForm(url, reach, headers, body),
    now: () => tools.now(),
  })
}
