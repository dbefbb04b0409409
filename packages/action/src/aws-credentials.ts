import { exchange } from '@mayfly/client/exchange'
import { githubActionsToken } from '@mayfly/client/github'
import type { Transport } from '@mayfly/client/transport'

export interface AwsRequest {
  readonly url: string
  /** A target of kind `aws_role`. */
  readonly target: string
  /** That of the step which runs the tool: a job's steps may all ask GitHub for its tokens. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly transport: Transport
}

/**
 * New keys, as `credential_process` has to print them. Another exchange with another token of the job: GitHub gives one
 * only while the job runs, and the policy decides again. Throws as `exchange` does.
 */
export async function awsCredentials({ url, target, env, transport }: AwsRequest): Promise<string> {
  const subjectToken = () => githubActionsToken({ audience: url, env, transport })
  const { kind, parts } = await exchange({ url, target, subjectToken, transport })
  if (parts === undefined || kind !== 'aws_role')
    throw new Error(`The target \`${target}\` gives no keys of AWS.`)
  return `${JSON.stringify({
    Version: 1,
    AccessKeyId: parts['access_key_id'],
    SecretAccessKey: parts['secret_access_key'],
    SessionToken: parts['session_token'],
    Expiration: parts['expiration'],
  })}\n`
}

/** A configuration by which AWS's tools ask for keys themselves, instead of keys in variables that end. */
export function awsConfiguration(parts: {
  readonly node: string
  readonly script: string
  readonly url: string
  readonly target: string
  readonly region: string | undefined
}): string {
  const command = [parts.node, parts.script, parts.url, parts.target].map((word) => `"${word}"`).join(' ')
  const region = parts.region === undefined ? '' : `region = ${parts.region}\n`
  return `[default]\n${region}credential_process = ${command}\n`
}
