import type { Claims } from '@mayfly/broker/domain'
import type { Preset } from '@mayfly/broker/verify/issuers/preset'
import { presets } from '@mayfly/broker/verify/issuers/presets'
import { ownIssuers, type PresetName, policyKinds, presetNames } from '@mayfly/broker/verify/preset-names'
import { codes, page, table } from './page.ts'

/** Issuers that fit the preset's form; that they do is checked below. */
const examples: Readonly<Record<PresetName, readonly string[]>> = {
  'github-actions': [
    'https://token.actions.githubusercontent.com',
    'https://token.actions.githubusercontent.com/my-enterprise',
    'https://token.actions.my-subdomain.ghe.com',
    'https://github.example.com/_services/token',
  ],
  gitlab: ['https://gitlab.com', 'https://gitlab.example.com'],
  buildkite: ['https://agent.buildkite.com'],
  circleci: ['https://oidc.circleci.com/org/ORGANIZATION_ID'],
  bitbucket: ['https://api.bitbucket.org/2.0/workspaces/WORKSPACE/pipelines-config/identity/oidc'],
  'azure-devops': ['https://vstoken.dev.azure.com/ORGANIZATION_ID'],
  terraform: ['https://app.terraform.io', 'https://terraform.example.com'],
  kubernetes: ['https://kubernetes.default.svc.cluster.local', 'https://kubernetes.example.com/cluster-1'],
  google: ['https://accounts.google.com'],
  aws: ['https://my-account-issuer.tokens.sts.global.api.aws'],
  vercel: ['https://oidc.vercel.com/TEAM'],
  fly: ['https://oidc.fly.io/ORGANIZATION'],
  semaphore: ['https://my-organization.semaphoreci.com'],
  codefresh: ['https://oidc.codefresh.io'],
  buddy: ['https://oidc.buddyusercontent.com', 'https://eu-oidc.buddyusercontent.com'],
  forgejo: ['https://forgejo.example.com/api/actions'],
  auth0: ['https://my-tenant.eu.auth0.com/'],
  oidc: ['https://login.example.com', 'https://login.example.com/realms/ci'],
}

/** What else is refused, for every preset that checks more. */
const refuses: Readonly<Partial<Record<PresetName, string>>> = {
  'github-actions': 'custom properties (`repo_property_*`) that are not text',
  buildkite: 'a `sub` that does not name the organisation and the pipeline: the job may choose its form',
  circleci: 'jobs that were run again with SSH, where a person has a shell',
  terraform: 'a phase other than plan and apply',
  kubernetes: 'a token that does not name a service account, or whose `sub` is another one',
  google: 'accounts of people: the same issuer signs their logins',
  aws: 'a token without AWS’s own statement about the caller',
  vercel: 'the environment development: such tokens are pulled to laptops',
  semaphore: 'debug jobs, where a person has a shell',
}

/** What each preset knows about its platform. */
export function presetsPage(): string {
  return page('Presets of issuers', [
    'What `preset` brings. Every token must also have `iss` exactly as configured, exactly one `aud`, a `sub`, `exp` and',
    '`iat`, and a header of nothing but `alg`, `kid`, `typ` and `x5t`. Clocks may be 60 s apart. `max_age` and',
    '`max_lifetime` of an issuer replace the limits below.',
    '',
    ...presetNames.flatMap((name) => section(name, presets[name])),
    'How an issuer is configured: [issuers](../guide/issuers.md).',
  ])
}

function section(name: PresetName, preset: Preset): string[] {
  const wrong = examples[name].find((issuer) => !preset.form.test(issuer))
  if (wrong !== undefined) throw new Error(`${wrong} is no issuer of ${name}`)
  if ((preset.check === undefined) !== (refuses[name] === undefined)) {
    throw new Error(`scripts/reference/presets.ts does not say what else ${name} refuses`)
  }
  const own = ownIssuers[name]
  const rows = [
    ['`issuer`', issuer(own, examples[name])],
    ['algorithms', codes(preset.algorithms)],
    ['required claims', codes(preset.required)],
    [
      'spent once by',
      preset.jti === 'required' ? '`iss` and `jti`' : '`jti` where there is one, otherwise the token’s bytes',
    ],
    ['audience', audience(preset)],
    [
      'oldest, longest',
      `${duration(preset.maxAge)} since \`iat\`, ${duration(preset.maxLifetime)} from \`iat\` to \`exp\``,
    ],
    ['the job', jobOf(preset)],
    ['in policies', policyOf(name)],
    ...(preset.keyHosts === undefined ? [] : [['keys may also be on', codes(preset.keyHosts)]]),
    ...(refuses[name] === undefined ? [] : [['also refused', refuses[name]]]),
  ]
  return [`## \`${name}\``, '', ...table(['', ''], rows), '']
}

function policyOf(name: PresetName): string {
  const kind = policyKinds[name]
  return kind === undefined
    ? 'none yet: the issuer is everybody’s, and no kind tells its customers apart'
    : `[kind \`${kind}\`](policy-claims.md#${kind})`
}

function issuer(own: string | undefined, fitting: readonly string[]): string {
  const others = fitting.filter((each) => each !== own)
  const usual = own === undefined ? 'needed' : `default \`${own}\``
  return others.length === 0 ? usual : `${usual}; such as ${codes(others)}`
}

function audience({ sharedAudience }: Preset): string {
  if (sharedAudience === undefined) return 'the broker’s `url`'
  const what = sharedAudience === 'issuer' ? 'the issuer itself' : `\`${sharedAudience}\``
  return `${what}, the same for everybody ([decision 0004](../decisions/0004-private-networks-and-shared-audiences.md))`
}

/** Asks the preset which claims it reads, with claims whose values are their names. */
function jobOf({ job }: Preset): string {
  const named = new Proxy<Claims>({}, { get: (_, name) => String(name) })
  const { id, run } = job?.(named) ?? {}
  if (id === undefined && run === undefined) return 'not named by the token'
  const words = [id === undefined ? [] : `its id is \`${id}\``, run === undefined ? [] : `its run \`${run}\``]
  return words.flat().join(', ')
}

function duration(seconds: number): string {
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds / 60} min`
}
