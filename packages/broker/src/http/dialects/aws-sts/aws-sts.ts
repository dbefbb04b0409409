/**
 * aws-sts: the query protocol of AWS STS at `POST /`, as far as the SDKs and AWS's own action use it with a token of a
 * platform: AssumeRoleWithWebIdentity, and GetCallerIdentity for the keys that came of it. It only translates: the
 * exchange does the rest, and the keys are those that AWS made.
 */
import { Failure, failureRow } from '../../../base/failure.ts'
import { newId } from '../../../base/id.ts'
import { Secret } from '../../../base/secret.ts'
import type { Tools } from '../../../base/tools.ts'
import type { ExchangeAnswer, ExchangeRequest, Given } from '../../../exchange.ts'
import type { Answer, Asked } from '../../answer.ts'
import type { AwsStsDoor } from '../../doors.ts'
import { refusalOf, sentenceOf } from '../../errors.ts'
import { type Form, readForm } from '../../form.ts'
import { behind, type DialectParts } from '../behind.ts'
import { callerOf } from './caller.ts'
import { type Element, xml } from './xml.ts'

const via = 'aws-sts'
const version = '2011-06-15'

/** Answers one action; every refusal comes back as an answer too. */
export function answerAwsSts(asked: Asked, parts: DialectParts): Promise<Answer> {
  return behind({ door: 'awsSts', via, refuse: refuseAwsSts }, parts, async (door) => {
    if (asked.query !== '') throw malformed('Send the parameters in the body, not in the query.')
    const form = readForm(asked)
    if ((form.get('Version') ?? version) !== version) throw malformed(`Version must be ${version}.`)
    const action = form.get('Action')
    if (action === 'GetCallerIdentity') return callerIdentity(asked, door, parts.tools)
    if (action === 'AssumeRoleWithWebIdentity') return await assumeRole(form, door, parts)
    throw new Failure('grant_type_unsupported', {
      detail: 'This endpoint knows the actions AssumeRoleWithWebIdentity and GetCallerIdentity.',
    })
  })
}

/** Statuses that are not those of the proxy's table: STS says 400 where HTTP has a word of its own. */
const statuses: Readonly<Record<number, number>> = { 401: 400, 413: 400, 429: 400 }

/** As STS says no: SDKs read `Code` and `Message`, and retry what is a fault of the receiver. */
export function refuseAwsSts(thrown: unknown, tools: Tools): Answer {
  const refusal = refusalOf(thrown, tools)
  const { code } = refusal.failure
  const row = failureRow(code)
  const status = code === 'client_rejected' ? 403 : (statuses[row.bearer] ?? row.bearer)
  const error = [
    ['Type', status < 500 ? 'Sender' : 'Receiver'],
    ['Code', row.aws],
    ['Message', sentenceOf(refusal)],
  ] as const
  const requestId = refusal.id
  return said(status, requestId, 'ErrorResponse', [
    ['Error', error],
    ['RequestId', requestId],
  ])
}

async function assumeRole(form: Form, door: AwsStsDoor, parts: DialectParts): Promise<Answer> {
  const wanted = wantedOf(form)
  const answer = await parts.exchange(requestOf(wanted, door))
  const keys = keysOf(answer)
  const [, , , , account = '', role = ''] = wanted.roleArn.split(':')
  // AWS leaves the path of a role out here, and the session is the lease's: by it CloudTrail tells leases apart.
  const name = role.slice(role.lastIndexOf('/') + 1)
  const [partition = 'aws'] = wanted.roleArn.split(':').slice(1)
  const arn = `arn:${partition}:sts::${account}:assumed-role/${name}/${answer.leaseId}`
  const userId = `${name}:${answer.leaseId}`
  door.identities.keep({ ...keys, arn, userId })
  const result: Element = [
    [
      'Credentials',
      [
        ['AccessKeyId', keys.accessKeyId],
        ['SecretAccessKey', keys.secretAccessKey.reveal()],
        ['SessionToken', keys.sessionToken.reveal()],
        ['Expiration', keys.expiration],
      ],
    ],
    [
      'AssumedRoleUser',
      [
        ['Arn', arn],
        ['AssumedRoleId', userId],
      ],
    ],
    ['SubjectFromWebIdentityToken', answer.leaseId],
  ]
  return {
    ...answered('AssumeRoleWithWebIdentity', result, parts.tools),
    dropped: () => parts.undelivered(answer.leaseId),
  }
}

interface Wanted {
  readonly roleArn: string
  readonly token: string
  readonly seconds: number | undefined
}

const known: ReadonlySet<string> = new Set([
  ...['Action', 'Version', 'RoleArn', 'RoleSessionName', 'WebIdentityToken', 'DurationSeconds'],
])

/** `Policy`, `PolicyArns` and `ProviderId` would narrow the session or mean another identity: ignored, they give more. */
function wantedOf(form: Form): Wanted {
  if (form.names().some((name) => !known.has(name)))
    throw malformed(
      'Policy, PolicyArns and others are not supported: what a session may do is said by its target.',
    )
  const roleArn = form.get('RoleArn')
  const token = form.get('WebIdentityToken')
  const session = form.get('RoleSessionName')
  const seconds = form.get('DurationSeconds')
  if (roleArn === undefined) throw malformed('RoleArn is missing.')
  if (!/^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/.test(roleArn))
    throw malformed('RoleArn must be the ARN of a role.')
  if (token === undefined) throw malformed('WebIdentityToken is missing.')
  if (session === undefined || !/^[\w+=,.@-]{2,64}$/.test(session))
    throw malformed('RoleSessionName must be 2 to 64 letters, digits and _+=,.@-.')
  if (seconds !== undefined && !/^[1-9][0-9]{2,4}$/.test(seconds))
    throw malformed('DurationSeconds must be a number of seconds from 900 to 43200.')
  return { roleArn, token, seconds: seconds === undefined ? undefined : Number(seconds) }
}

function requestOf({ roleArn, token, seconds }: Wanted, door: AwsStsDoor): ExchangeRequest {
  return {
    subjectToken: new Secret(token),
    via,
    // A role that no target has is a name that no target has: refused, recorded and explained like every other.
    target: door.target(roleArn) ?? roleArn,
    ...(seconds === undefined ? {} : { seconds }),
    misfit: (given) => misfitOf(given, roleArn),
  }
}

/** A template that this job fills in otherwise than it asked would be keys of another role. */
function misfitOf({ kind, settings }: Given, roleArn: string): string | undefined {
  if (kind !== 'aws_role') return `a target of kind ${kind} gives no keys of AWS`
  const role =
    typeof settings === 'object' && settings !== null && 'role' in settings ? settings.role : settings
  return role === roleArn
    ? undefined
    : 'for this job the target is another role than the one that was asked for'
}

function keysOf({ credential: { parts = {} } }: ExchangeAnswer) {
  const { access_key_id: id, secret_access_key: secret, session_token: token, expiration } = parts
  if (
    typeof id === 'string' &&
    secret instanceof Secret &&
    token instanceof Secret &&
    typeof expiration === 'string'
  )
    return {
      accessKeyId: id,
      secretAccessKey: secret,
      sessionToken: token,
      expiration: withoutMilliseconds(expiration),
    }
  throw new Failure('internal', { reason: 'keys of AWS have another form than this dialect knows' })
}

function withoutMilliseconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}

function callerIdentity(asked: Asked, { identities }: AwsStsDoor, tools: Tools): Answer {
  const { arn, userId } = callerOf(asked, identities, tools.now())
  const [, , , , account = ''] = arn.split(':')
  return answered(
    'GetCallerIdentity',
    [
      ['Arn', arn],
      ['UserId', userId],
      ['Account', account],
    ],
    tools,
  )
}

function answered(action: string, result: Element, tools: Tools): Answer {
  const requestId = newId('rq', tools)
  return said(200, requestId, `${action}Response`, [
    [`${action}Result`, result],
    ['ResponseMetadata', [['RequestId', requestId]]],
  ])
}

function said(status: number, requestId: string, name: string, content: Element): Answer {
  return {
    status,
    headers: [
      ...['Content-Type', 'text/xml', 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'],
      ...['x-amzn-RequestId', requestId],
    ],
    body: xml(name, `https://sts.amazonaws.com/doc/${version}/`, content),
  }
}

function malformed(detail: string): Failure {
  return new Failure('request_malformed', { detail })
}
