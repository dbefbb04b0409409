/**
 * What aws-actions/configure-aws-credentials sends and checks, written from its published source (`assumeRole.ts`,
 * `CredentialsClient.ts`) on the same SDK that it bundles: the token for `audience`, AssumeRoleWithWebIdentity at
 * `sts-endpoint`, then GetCallerIdentity at the same endpoint with the new keys.
 */
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Github } from '../../packages/cli/src/demo/stand-in/github.ts'
import { ask } from './requests.ts'

export interface ActionInputs {
  readonly audience: string
  readonly stsEndpoint: string
  readonly region: string
  readonly roleToAssume: string
}

export interface Configured {
  readonly env: Readonly<Record<string, string>>
  /** Its output `aws-account-id`. */
  readonly accountId: string
}

/** One run of the action in a job. Throws what would fail the step. */
export async function configureAwsCredentials(
  job: ReturnType<Github['job']>,
  { audience, stsEndpoint: endpoint, region, roleToAssume }: ActionInputs,
): Promise<Configured> {
  const { body } = await ask(`${job.requestUrl}&audience=${encodeURIComponent(audience)}`, {
    headers: { Authorization: `Bearer ${job.requestToken}` },
  })
  const anonymous = new STSClient({ region, endpoint })
  const { Credentials: keys } = await anonymous
    .send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: roleToAssume,
        RoleSessionName: 'GitHubActions',
        DurationSeconds: 3600,
        WebIdentityToken: String(body['value']),
      }),
    )
    .finally(() => anonymous.destroy())
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: session } = keys ?? {}
  if (id === undefined || secret === undefined || session === undefined)
    throw new Error('Credentials not received')
  const env = {
    ...{ AWS_DEFAULT_REGION: region, AWS_REGION: region },
    ...{ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: session },
  }
  const own = new STSClient({
    ...{ region, endpoint },
    credentials: { accessKeyId: id, secretAccessKey: secret, sessionToken: session },
  })
  const identity = await own.send(new GetCallerIdentityCommand({})).finally(() => own.destroy())
  if (identity.Account === undefined)
    throw new Error('Could not get Account ID from STS. Did you set credentials?')
  return { env, accountId: identity.Account }
}
