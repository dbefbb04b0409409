/** scan/credentials: what a secret probably is, by its name and by what it is given to, and what could replace it. */
import { type SecretUse, secretUses } from './secret-use.ts'
import { actionOf, type Workflow } from './workflow.ts'

export interface Credential {
  readonly what: string
  /** True for keys that work from anywhere until somebody remembers them. */
  readonly longLived: boolean
  /** The kind of target that takes its place. */
  readonly kind: string
  readonly instead: string
}

interface Row extends Credential {
  /** Of the secret's name, or of the input or variable that takes it. */
  readonly named?: RegExp
  /** Of an action and an input of it. */
  readonly given?: readonly [action: RegExp, input: RegExp]
}

const guide = (kind: string, page: string) => `a target of kind \`${kind}\` (docs/guide/${page})`

/** The first that fits. */
const rows: readonly Row[] = [
  {
    named:
      /^(?:[A-Z0-9]+_)*AWS_(?:[A-Z0-9]+_)*(?:ACCESS_KEY(?:_ID)?|SECRET(?:_ACCESS)?_KEY|SECRET|KEY_ID|SESSION_TOKEN)(?:_[A-Z0-9]+)*$/,
    given: [/^aws-actions\/configure-aws-credentials$/, /^aws-(?:access-key-id|secret-access-key)$/],
    what: 'an access key of AWS',
    longLived: true,
    kind: 'aws_role',
    instead: `keys of a role that live for the job: ${guide('aws_role', 'target-aws.md')}`,
  },
  {
    named:
      /(?:^|_)(?:GCP|GCLOUD|GKE|GOOGLE|GAR|GCR|FIREBASE)_(?:[A-Z0-9]+_)*(?:KEY|CREDENTIALS?|JSON|SA|SERVICE_ACCOUNT|TOKEN)(?:_[A-Z0-9]+)*$/,
    given: [/^google-github-actions\//, /^(?:credentials_json|service_account_key)$/],
    what: 'a key of a Google service account',
    longLived: true,
    kind: 'gcp_service_account',
    instead: `tokens of the service account without its key: ${guide('gcp_service_account', 'target-gcp.md')}`,
  },
  {
    named:
      /(?:^|_)(?:AZURE|ARM)_(?:[A-Z0-9]+_)*(?:CREDENTIALS?|CLIENT_SECRET|SECRET|PASSWORD|PUBLISH_PROFILE)(?:_[A-Z0-9]+)*$/,
    given: [/^azure\/(?:login|webapps-deploy|functions-action)$/, /^(?:creds|publish-profile)$/],
    what: 'a client secret of Azure',
    longLived: true,
    kind: 'azure',
    instead: `tokens of the application without its secret: ${guide('azure', 'target-azure.md')}`,
  },
  {
    named: /(?:^|_)(?:KUBE_?CONFIG|KUBE_TOKEN|K8S_(?:[A-Z]+_)*(?:TOKEN|CONFIG))(?:_[A-Z0-9]+)*$/,
    given: [/^(?:azure\/k8s-set-context|.*kubectl.*|.*kube.*)$/, /^(?:kubeconfig|kube-config|k8s-secret)$/],
    what: 'a kubeconfig',
    longLived: true,
    kind: 'kubernetes',
    instead: `a token of a service account for the job: ${guide('kubernetes', 'target-kubernetes.md')}`,
  },
  {
    named:
      /(?:^|_)(?:NPM|NODE|PYPI|TWINE|RUBYGEMS|GEM_HOST|CARGO|CRATES|NUGET|DOCKER|DOCKERHUB|REGISTRY|QUAY|MAVEN|OSSRH|SONATYPE|GPR)_(?:[A-Z0-9]+_)*(?:AUTH|TOKEN|PASSWORD|PASS|KEY|PAT)(?:_[A-Z0-9]+)*$/,
    given: [/^(?:docker\/login-action|pypa\/gh-action-pypi-publish)$/, /^password$/],
    what: 'a token of a package registry',
    longLived: true,
    kind: 'secret',
    instead: `the registry's own trust in the job where it has one; until then ${guide('secret', 'target-secret.md')}, for this job alone`,
  },
  {
    named:
      /(?:^|_)(?:GH|GITHUB|BOT|RELEASE|REPO|PERSONAL_ACCESS|ADMIN)_(?:[A-Z0-9]+_)*(?:TOKEN|PAT)(?:_[A-Z0-9]+)*$|(?:^|_)PAT(?:_|$)/,
    given: [/^actions\/(?:checkout|github-script)$/, /^(?:token|github-token)$/],
    what: 'an access token of GitHub',
    longLived: true,
    kind: 'github_app',
    instead: `a token of an app for the repositories that the job needs: ${guide('github_app', 'target-github-app.md')}`,
  },
  {
    named: /(?:^|_)(?:SSH_(?:[A-Z0-9]+_)*KEY|DEPLOY_KEY|SSH_KEY|ID_RSA|ID_ED25519)(?:_[A-Z0-9]+)*$/,
    given: [/ssh/, /^(?:key|ssh-private-key|ssh-key)$/],
    what: 'a private key for SSH',
    longLived: true,
    kind: 'ssh',
    instead: `a certificate that ends with the job: ${guide('ssh', 'target-ssh.md')}`,
  },
  {
    named: /(?:^|_)(?:MYSQL|MARIADB)_(?:[A-Z0-9]+_)*(?:URL|PASSWORD|DSN)(?:_[A-Z0-9]+)*$/,
    what: 'the password of a database',
    longLived: true,
    kind: 'mysql_role',
    instead: `an account of the job's own: ${guide('mysql_role', 'target-mysql.md')}`,
  },
  {
    named: /(?:^|_)REDIS_(?:[A-Z0-9]+_)*(?:URL|PASSWORD|DSN)(?:_[A-Z0-9]+)*$/,
    what: 'the password of a Redis server',
    longLived: true,
    kind: 'redis_user',
    instead: `a user of the job's own: ${guide('redis_user', 'target-redis.md')}`,
  },
  {
    named:
      /(?:^|_)(?:DATABASE|DB|PG|POSTGRES(?:QL)?)_?(?:[A-Z0-9]+_)*(?:URL|PASSWORD|DSN|URI)(?:_[A-Z0-9]+)*$/,
    what: 'the password of a database',
    longLived: true,
    kind: 'postgres_role',
    instead: `a role of the job's own: ${guide('postgres_role', 'target-postgres.md')}`,
  },
  {
    named: /(?:^|_)AUTH0_(?:[A-Z0-9]+_)*(?:SECRET|TOKEN)(?:_[A-Z0-9]+)*$/,
    what: 'a client secret of Auth0',
    longLived: true,
    kind: 'auth0',
    instead: `an access token for the job: ${guide('auth0', 'target-auth0.md')}`,
  },
]

const other: Credential = {
  what: 'a static secret',
  longLived: false,
  kind: 'secret',
  instead: `${guide('secret', 'target-secret.md')}: the broker alone holds it, and gives it to the jobs that the policy names`,
}

/** Names of things, not keys to them: whoever knows one can do nothing with it. */
const identifier =
  /(?:^|_)(?:ARN|ACCOUNT_ID|CLIENT_ID|TENANT_ID|SUBSCRIPTION_ID|PROJECT_ID|REGION|BUCKET|CLUSTER|USERNAME|USER|EMAIL|HOST|HOSTNAME|WORKLOAD_IDENTITY_PROVIDER|APP_ID)$/
const identifying: readonly (readonly [action: RegExp, input: RegExp])[] = [
  [/^aws-actions\/configure-aws-credentials$/, /^(?:role-to-assume|aws-region)$/],
  [/^google-github-actions\//, /^(?:workload_identity_provider|service_account|project_id)$/],
  [/^azure\/login$/, /^(?:client-id|tenant-id|subscription-id)$/],
]

/** True for what is kept among the secrets and is none: an ARN, a project's id, a name of a user. */
export function isIdentifier({ name, key, step }: Pick<SecretUse, 'name' | 'key' | 'step'>): boolean {
  const action = step === undefined ? '' : actionOf(step)
  return (
    identifier.test(name) || identifying.some(([actions, inputs]) => actions.test(action) && inputs.test(key))
  )
}

/** The uses that give something away. */
export function credentialUses(workflow: Workflow): readonly SecretUse[] {
  const known = found.get(workflow)
  if (known !== undefined) return known
  const uses = secretUses(workflow).filter((use) => !isIdentifier(use))
  found.set(workflow, uses)
  return uses
}

/** Rules ask for each job. */
const found = new WeakMap<Workflow, readonly SecretUse[]>()

/** The patterns would take long for names that nobody gives. */
const longestName = 200

/** What a use's secret probably is. Names say it first, and what takes the secret where they do not. */
export function credentialOf({ name, key, step }: SecretUse): Credential {
  const written = [name, key.toUpperCase().replaceAll('-', '_')].filter((each) => each.length <= longestName)
  const byName = rows.find(({ named }) => named !== undefined && written.some((each) => named.test(each)))
  if (byName !== undefined) return byName
  const action = step === undefined ? '' : actionOf(step)
  return (
    rows.find(({ given }) => action !== '' && given?.[0].test(action) === true && given[1].test(key)) ?? other
  )
}
