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
