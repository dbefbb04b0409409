/** Requests that carry secrets to every place where they do not belong, and everything else that can be wrong. */
import { pullRequestJob, pushJob } from '../../packages/cli/src/demo/stand-in/claims.ts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { delivery, workflowJobCompleted } from '../../packages/cli/src/demo/stand-in/webhook.ts'
import { ask, askForm, call, exchange, introspect, revoke } from '../fakes/requests.ts'
import type { Site } from '../fakes/site.ts'

export interface Target {
  readonly github: Github
  readonly site: Site
  /** Where the broker listens, and its proxy. */
  readonly url: string
  readonly proxy: string
  /** A living access token. */
  readonly access: string
  /** A new subject token that is remembered as a secret. */
  readonly subject: (claims?: Readonly<Record<string, unknown>>) => string
}

type Asked = ReturnType<typeof ask>

const text = 'hostile"\\\n\u0007\u202e{"type":"credential.issued"}'

/** Subject tokens in every place of a token request, and tokens that are not what they should be. */
export function tokenRequests({ github, url, subject, access }: Target): readonly Asked[] {
  const production = pushJob('production')
  const wrong = subject(production)
  const places = ['audience', 'resource', 'scope', 'grant_type', 'subject_token_type', 'requested_token_type']
  const more = ['actor_token', 'client_secret', 'client_assertion', 'client_id', text]
  return [
    exchange(url, subject(pushJob('staging'))),
    exchange(url, subject(pullRequestJob('production'))),
    exchange(url, subject({ ...production, aud: 'https://sts.amazonaws.com' })),
    exchange(url, subject({ ...production, exp: 1_000_000, iat: 999_000 })),
    exchange(url, subject({ ...production, iss: 'https://issuer.example' })),
    exchange(url, subject({ ...production, environment: text, actor: text, sub: text })),
    exchange(url, subject({ ...production, ref: `refs/heads/${text}`, event_name: text })),
    exchange(url, `${wrong.slice(0, -6)}AAAAAA`),
    exchange(url, `${wrong}\u0000`),
    exchange(url, wrong.split('.').slice(0, 2).join('.')),
    exchange(url, github.job(production).requestToken),
    exchange(url, access),
    ...[...places, ...more].map((name) => exchange(url, subject(production), { [name]: wrong })),
    exchange(url, wrong.repeat(40)),
    ask(`${url}/token?subject_token=${wrong}`, { method: 'POST', body: wrong }),
    ask(`${url}/token`, { body: JSON.stringify({ subject_token: wrong }) }),
    ask(`${url}/${wrong}`, { headers: { 'x-token': wrong, cookie: `session=${wrong}` } }),
    ask(`${url}/token`, { method: 'PUT', body: wrong }),
    askForm(`${url}/token`, { assertion: wrong }, { headers: { authorization: `Bearer ${wrong}` } }),
    askForm(`${url}/token`, { assertion: `${wrong}x`, audience: 'orders-api', grant_type: 'x' }),
  ]
}

/** Everything else that takes a secret. */
export function otherRequests({ github, site, url, proxy, access }: Target): readonly Asked[] {
  const { secrets } = site
  const webhook = `${url}/webhooks/github`
  const post = (sent: { headers: Readonly<Record<string, string>>; body: string }) =>
    ask(webhook, { method: 'POST', ...sent })
  const job = { claims: github.job().claims, conclusion: 'success', endedAt: Date.now() } as const
  const right = workflowJobCompleted(job, secrets['webhook-secret'])
  const plainly = { ...right.headers, 'x-hub-signature-256': secrets['webhook-secret'] }
  return [
    introspect(url, access, { name: 'orders', secret: secrets.orders }),
    introspect(url, access, { name: 'orders', secret: secrets.staging }),
    introspect(url, access, { name: secrets.orders, secret: secrets.orders }),
    introspect(url, secrets.orders, { name: 'orders', secret: secrets.orders }),
    introspect(url, access),
    introspect(url, `${access}x`),
    askForm(`${url}/introspect`, { token: access, client_secret: secrets.orders }),
    askForm(`${url}/introspect?token=${access}`, {}, { headers: { authorization: `Basic ${access}` } }),
    revoke(url, `${access}x`),
    revoke(url, secrets['master-key']),
    askForm(`${url}/revoke`, { token_type_hint: access }),
    post(right),
    post({ ...right, headers: plainly }),
    post({ ...right, body: secrets['webhook-secret'] }),
    post(delivery('workflow_job', `{"action":"${secrets['audit-reader']}"`, secrets['webhook-secret'])),
    post(delivery('workflow_job', '{"action":"completed"}', secrets['webhook-secret'])),
    ask(`${url}/audit/entries`, { headers: { authorization: `Bearer ${secrets['master-key']}` } }),
    ask(`${url}/audit/entries?reader=${secrets['audit-reader']}&from=${secrets['audit-reader']}`),
    ask(`${url}/audit/entries?from=-1`, {
      headers: { authorization: `Bearer ${secrets['audit-reader']}` },
    }),
    call(proxy, access),
    call(proxy, `${access}x`),
    call(proxy, secrets['master-key']),
    call(proxy, access, `/orders?access_token=${access}`),
    call(proxy, undefined, `/${access}?token=${access}`),
    ask(`${proxy}/orders`, { headers: { authorization: `Basic ${access}`, cookie: access } }),
    ask(`${proxy}/orders`, { headers: { authorization: access } }),
  ]
}

/** What anybody may read. */
export function publicDocuments(url: string): readonly Asked[] {
  const paths = ['openid-configuration', 'oauth-authorization-server', 'jwks.json']
  const others = ['healthz', 'readyz', 'metrics', 'audit/checkpoint']
  return [
    ...paths.map((path) => ask(`${url}/.well-known/${path}`)),
    ...others.map((path) => ask(`${url}/${path}`)),
  ]
}
