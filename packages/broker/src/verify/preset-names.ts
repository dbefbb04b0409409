/** Every platform that publishes keys and that we know. */
export const presetNames = [
  'github-actions',
  'gitlab',
  'buildkite',
  'circleci',
  'bitbucket',
  'azure-devops',
  'terraform',
  'kubernetes',
  'google',
  'aws',
  'vercel',
  'fly',
  'semaphore',
  'codefresh',
  'buddy',
  'forgejo',
  'auth0',
  'oidc',
] as const

export type PresetName = (typeof presetNames)[number]

/** The issuer when the configuration names none; absent where each tenant has its own. */
export const ownIssuers: Readonly<Partial<Record<PresetName, string>>> = {
  'github-actions': 'https://token.actions.githubusercontent.com',
  gitlab: 'https://gitlab.com',
  buildkite: 'https://agent.buildkite.com',
  terraform: 'https://app.terraform.io',
  google: 'https://accounts.google.com',
  codefresh: 'https://oidc.codefresh.io',
  buddy: 'https://oidc.buddyusercontent.com',
}

/**
 * The `kind` of a policy's issuer that knows the preset's claims. Absent where the issuer is everybody's and no kind
 * tells its customers apart: a policy could not say whose tokens it means.
 */
export const policyKinds: Readonly<Partial<Record<PresetName, string>>> = {
  'github-actions': 'github',
  gitlab: 'gitlab',
  buildkite: 'buildkite',
  circleci: 'circleci',
  terraform: 'terraform',
  kubernetes: 'kubernetes',
  auth0: 'auth0',
  oidc: 'oidc',
  bitbucket: 'oidc',
  'azure-devops': 'oidc',
  aws: 'oidc',
  vercel: 'oidc',
  fly: 'oidc',
  semaphore: 'oidc',
}
