/**
 * form: a credential as the tools expect it that will use it. Variables, and files where a tool takes nothing else. It
 * writes nothing: whoever runs the tools does, and removes it.
 */
import type { Credential } from './exchange.ts'

/** A file that a tool reads. */
export interface FormFile {
  /** Its name in a folder of its own. */
  readonly name: string
  readonly text: string
}

export interface Form {
  /** Variables by name. */
  readonly variables: Readonly<Record<string, string>>
  /** Files, by the variable that holds their path; a name that begins with `.` has none. */
  readonly files: readonly (FormFile & { readonly variable?: string })[]
  /** Variables made of paths: `{name}` stands for the path of that file, `{folder}` for that of their folder. */
  readonly paths: Readonly<Record<string, string>>
}

type Parts = Readonly<Record<string, string>>
type Shape = (parts: Parts, token: string) => Partial<Form>

/** By the kind of the target. What is not here has no form of its own: its one string is all there is. */
const shapes: Readonly<Record<string, Shape>> = {
  aws_role: (parts) => ({
    variables: named(parts, {
      AWS_ACCESS_KEY_ID: 'access_key_id',
      AWS_SECRET_ACCESS_KEY: 'secret_access_key',
      AWS_SESSION_TOKEN: 'session_token',
      AWS_REGION: 'region',
      AWS_DEFAULT_REGION: 'region',
    }),
  }),
  gcp_service_account: (parts) => ({
    variables: named(parts, {
      CLOUDSDK_AUTH_ACCESS_TOKEN: 'access_token',
      GOOGLE_OAUTH_ACCESS_TOKEN: 'access_token',
    }),
  }),
  azure: (parts) => ({ variables: named(parts, { AZURE_ACCESS_TOKEN: 'access_token' }) }),
  github_app: (_, token) => ({ variables: githubVariables(token) }),
  postgres_role: (parts) => ({
    variables: named(parts, {
      PGHOST: 'host',
      PGPORT: 'port',
      PGUSER: 'user',
      PGPASSWORD: 'password',
      PGDATABASE: 'database',
      DATABASE_URL: 'url',
    }),
  }),
  mysql_role: (parts) => ({
    variables: named(parts, {
      MYSQL_HOST: 'host',
      MYSQL_TCP_PORT: 'port',
      MYSQL_USER: 'user',
      MYSQL_PWD: 'password',
      MYSQL_DATABASE: 'database',
      DATABASE_URL: 'url',
    }),
    // The client takes the user from a file or an argument alone: `mysql --defaults-extra-file="$MAYFLY_MYSQL_CNF"`.
    files: [{ name: 'my.cnf', text: optionFile(parts), variable: 'MAYFLY_MYSQL_CNF' }],
  }),
  redis_user: (parts) => ({
    variables: named(parts, { REDIS_URL: 'url', REDISCLI_AUTH: 'password', REDIS_USER: 'user' }),
  }),
  kubernetes: (parts) => ({
    files: [{ name: 'kubeconfig', text: kubeconfig(parts), variable: 'KUBECONFIG' }],
  }),
  ssh: (parts) => ({
    files: [
      { name: 'id', text: line(parts['private_key'] ?? ''), variable: 'MAYFLY_SSH_KEY' },
      { name: 'id-cert.pub', text: line(parts['certificate'] ?? '') },
    ],
    paths: { GIT_SSH_COMMAND: 'ssh -i "{id}" -o IdentitiesOnly=yes' },
  }),
}

/** A place that takes a user and a token. */
export interface Registry {
  /** `registry.example.com`, without https://. */
  readonly host: string
  /** What stands beside the token; most registries do not look at it. */
  readonly user: string
}

/** The one string of a credential as `npm` takes it: for `registry`, and as what `actions/setup-node` prepares. */
export function npmForm(token: string, registry: Pick<Registry, 'host'> | undefined): Form {
  const variables = { NODE_AUTH_TOKEN: token }
  if (registry === undefined) return { ...empty, variables }
  // npm puts the variable's value in when it reads the file.
  const text = `//${registry.host.replace(/\/+$/, '')}/:_authToken=\${NODE_AUTH_TOKEN}\n`
  return { ...empty, variables, files: [{ name: 'npmrc', text, variable: 'NPM_CONFIG_USERCONFIG' }] }
}

/** The one string of a credential as `docker` and whatever reads its configuration take it. */
export function dockerForm(token: string, { host, user }: Registry): Form {
  const auths = { [host]: { auth: btoa(`${user}:${token}`) } }
  return {
    ...empty,
    files: [{ name: 'config.json', text: `${JSON.stringify({ auths })}\n` }],
    paths: { DOCKER_CONFIG: '{folder}' },
  }
}

const empty: Form = { variables: {}, files: [], paths: {} }

/** `undefined` where the kind has none. A part that the broker did not send has no variable. */
export function formOf({ kind, parts, accessToken }: Credential): Form | undefined {
  const shape = kind !== undefined && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined
  return shape === undefined ? undefined : { ...empty, ...shape(parts ?? {}, accessToken) }
}

/** Parts of credentials that are no secret: masking `deploy` or `5432` would blank it in every line of a log. */
const shown: ReadonlySet<string> = new Set([
  ...['host', 'port', 'database', 'region', 'expiration', 'principals', 'server', 'certificate_authority'],
])

/** Every text of a credential that must not be seen, those of its form included. */
export function secretsOf(credential: Credential): readonly string[] {
  const { accessToken, leaseToken, parts } = credential
  const secret = Object.entries(parts ?? {}).filter(([name]) => !shown.has(name))
  const form = formOf(credential)
  // What a form encodes is as good as what it encodes.
  const encoded = Object.entries(form?.variables ?? {}).filter(([name]) =>
    name.startsWith('GIT_CONFIG_VALUE'),
  )
  return [...new Set([accessToken, leaseToken, ...[...secret, ...encoded].map(([, text]) => text)])]
}

function named(parts: Parts, names: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([variable, part]) => {
      const value = parts[part]
      return value === undefined || value === '' ? [] : [[variable, value]]
    }),
  )
}

/** For `gh` and actions, and for git itself, which sends the header to github.com alone. */
function githubVariables(token: string): Readonly<Record<string, string>> {
  return {
    GH_TOKEN: token,
    GITHUB_TOKEN: token,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.https://github.com/.extraheader',
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${btoa(`x-access-token:${token}`)}`,
  }
}

function optionFile(parts: Parts): string {
  const members = ['host', 'port', 'user', 'password', 'database'].flatMap((name) => {
    const value = parts[name]
    return value === undefined ? [] : [`${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`]
  })
  return `[client]\n${members.filter((member) => !member.startsWith('database=')).join('\n')}\n`
}

/** JSON, which every reader of YAML takes. */
function kubeconfig(parts: Parts): string {
  const cluster = {
    server: parts['server'],
    ...(parts['certificate_authority'] === undefined
      ? {}
      : { 'certificate-authority-data': btoa(parts['certificate_authority']) }),
  }
  return `${JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'mayfly' },
    clusters: [{ name: 'mayfly', cluster }],
    users: [{ name: 'mayfly', user: { token: parts['token'] } }],
    contexts: [{ name: 'mayfly', context: { cluster: 'mayfly', user: 'mayfly' } }],
  })}\n`
}

function line(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}
