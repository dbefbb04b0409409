/** platform: where this job's identity token comes from, found by what the platform leaves in the environment. */
import { brokerUrl } from './endpoint.ts'
import { githubActionsToken, IdTokenUnavailable } from './github.ts'
import type { Sending } from './send.ts'

/** How the surroundings are asked; nothing else of them is touched. */
export interface Surroundings extends Sending {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The text of a file; `undefined` when there is none. */
  readonly readFile: (path: string) => Promise<string | undefined>
  /** What a program prints; `undefined` when it is not there or failed. */
  readonly run: (program: string, args: readonly string[]) => Promise<string | undefined>
}

/** A source of identity tokens of this job. */
export interface PlatformTokens {
  /** In words, `GitHub Actions`. */
  readonly platform: string
  /** A token of its own for each call; where not, there is one for the whole job and it can be exchanged once. */
  readonly fresh: boolean
  /** Variables that only serve to get tokens: whoever runs other programs leaves them out. */
  readonly variables: readonly string[]
  /** Throws `IdTokenUnavailable` with how to mend it. */
  token(): Promise<string>
}

type Found = (surroundings: Surroundings, audience: string) => PlatformTokens | undefined

/** Variables of every platform that only serve to get tokens; of a variable that anybody can set the source says so. */
export const platformVariables: readonly string[] = [
  ...['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'BUILDKITE_AGENT_ACCESS_TOKEN'],
  ...['CIRCLE_OIDC_TOKEN', 'CIRCLE_OIDC_TOKEN_V2', 'MAYFLY_ID_TOKEN'],
  ...['TFC_WORKLOAD_IDENTITY_TOKEN_MAYFLY', 'TFC_WORKLOAD_IDENTITY_TOKEN'],
]

const kubernetesFile = '/var/run/secrets/mayfly/token'

/** In this order: what is certain of its platform before what anybody can set. */
const platforms: readonly Found[] = [github, buildkite, circleci, gitlab, terraform, variable, file]

/** The tokens of the platform that this process runs on, for `audience`, the broker's URL. */
export function platformTokens(surroundings: Surroundings, audience: string): PlatformTokens {
  for (const find of platforms) {
    const found = find(surroundings, brokerUrl(audience))
    if (found !== undefined) return found
  }
  return kubernetes(surroundings)
}

function github(surroundings: Surroundings, audience: string): PlatformTokens | undefined {
  const { env } = surroundings
  const variables = ['ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN']
  if (env['GITHUB_ACTIONS'] !== 'true' && !env['ACTIONS_ID_TOKEN_REQUEST_URL']) return undefined
  return {
    ...{ platform: 'GitHub Actions', fresh: true, variables },
    token: () => githubActionsToken({ ...surroundings, audience }),
  }
}

function buildkite({ env, run }: Surroundings, audience: string): PlatformTokens | undefined {
  if (env['BUILDKITE'] !== 'true') return undefined
  const args = ['oidc', 'request-token', '--audience', audience]
  return {
    ...{ platform: 'Buildkite', fresh: true, variables: ['BUILDKITE_AGENT_ACCESS_TOKEN'] },
    token: async () =>
      given(
        await run('buildkite-agent', args),
        'buildkite-agent gave no token: it has to be in PATH, and the agent connected.',
      ),
  }
}

function circleci({ env, run }: Surroundings, audience: string): PlatformTokens | undefined {
  if (env['CIRCLECI'] !== 'true') return undefined
  const args = ['run', 'oidc', 'get', '--claims', JSON.stringify({ aud: audience })]
  return {
    ...{ platform: 'CircleCI', fresh: true, variables: ['CIRCLE_OIDC_TOKEN', 'CIRCLE_OIDC_TOKEN_V2'] },
    token: async () =>
      given(
        await run('circleci', args),
        '`circleci run oidc get` gave no token: jobs have one when they use a context.',
      ),
  }
}

function gitlab({ env }: Surroundings, audience: string): PlatformTokens | undefined {
  if (env['GITLAB_CI'] !== 'true') return undefined
  const how = `Add this to the job, then it has a token:\n\nid_tokens:\n  MAYFLY_ID_TOKEN:\n    aud: ${audience}`
  return once('GitLab CI', 'MAYFLY_ID_TOKEN', env, how)
}

function terraform({ env }: Surroundings): PlatformTokens | undefined {
  const name = ['TFC_WORKLOAD_IDENTITY_TOKEN_MAYFLY', 'TFC_WORKLOAD_IDENTITY_TOKEN'].find((each) => env[each])
  return name === undefined ? undefined : once('HCP Terraform', name, env, '')
}

function variable({ env }: Surroundings): PlatformTokens | undefined {
  const name = ['MAYFLY_ID_TOKEN', 'MAYFLY_TOKEN'].find((each) => env[each])
  return name === undefined ? undefined : once(`the variable ${name}`, name, env, '')
}

function file({ env, readFile }: Surroundings): PlatformTokens | undefined {
  const path = env['MAYFLY_TOKEN_FILE']
  return path ? fromFile(`the file of MAYFLY_TOKEN_FILE`, path, readFile) : undefined
}

/** The last one: nothing says that a pod is one but the file that its projected volume has. */
function kubernetes({ readFile }: Surroundings): PlatformTokens {
  return fromFile('Kubernetes', kubernetesFile, readFile)
}

/** The kubelet writes a new token into a projected file long before the old one ends. */
function fromFile(platform: string, path: string, readFile: Surroundings['readFile']): PlatformTokens {
  const missing =
    `No identity token was found. In a GitHub job, permissions need id-token: write. In a pod, project a service ` +
    `account's token to ${path}. Elsewhere, set MAYFLY_TOKEN or MAYFLY_TOKEN_FILE.`
  return {
    ...{ platform, fresh: true, variables: [] },
    token: async () =>
      given(await readFile(path), path === kubernetesFile ? missing : `There is no token in ${path}.`),
  }
}

function once(platform: string, name: string, env: Surroundings['env'], how: string): PlatformTokens {
  return {
    platform,
    fresh: false,
    variables: [name],
    token: async () => given(env[name], how || `${name} is empty.`),
  }
}

function given(text: string | undefined, how: string): string {
  const token = text?.trim()
  if (!token) throw new IdTokenUnavailable(how)
  return token
}
