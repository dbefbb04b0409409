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
