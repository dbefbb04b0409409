/**
 * The `aws_role` target: keys of a session of a role, from STS. Keys of STS cannot be taken back: what ends when, and
 * how one lease can be denied early, is said in the guide.
 */
import { z } from 'zod'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import { signed } from '../../../base/sigv4.ts'
import type { Tools } from '../../../base/tools.ts'
import type { Credential, Grant } from '../../../domain.ts'
import type { SignFederation } from '../../federation.ts'
import { type RouteTokens, routeToken } from '../../route-token.ts'
import type { Target } from '../../target.ts'
import { type Session, sessionOf } from './session.ts'
import { awsRoleSettings } from './settings.ts'
import { askSts, type StsKeys, type StsQuestion } from './sts.ts'

export type AwsConnection = { readonly region: string; readonly sts?: string | undefined } & (
  | { readonly mode: 'web_identity' }
  | {
      readonly mode: 'assume_role'
      readonly access_key_id: string
      readonly secret_access_key: Secret
      readonly session_token?: Secret | undefined
    }
)

export interface AwsTargetParts {
  readonly connections: Readonly<Record<string, AwsConnection>>
  readonly sign: SignFederation
  readonly tools: Pick<Tools, 'now'>
  /** Makes a token of ours, where a route uses the keys. */
  readonly tokens?: RouteTokens
  /** Milliseconds that STS has for an answer; ten seconds when absent. */
  readonly answerMs?: number
}

/** STS gives no shorter session. */
const SHORTEST = 900
const LONGEST_POLICY = 2048
const audience = 'sts.amazonaws.com'

/** Until when the keys of a lease work; the keys, where a route signs with them. */
const handleShape = z.strictObject({
  until: z.number(),
  region: z.string().optional(),
  keys: z.strictObject({ id: z.string(), secret: z.string(), session: z.string() }).optional(),
})

export function openAwsTarget(parts: AwsTargetParts): Target {
  const closing = new AbortController()
  const milliseconds = parts.answerMs ?? 10_000
  return {
    kind: 'aws_role',
    // Nothing is left to take back when this fails half-way: keys that nobody has read open nothing.
    local: false,
    connection: (grant) => `aws ${connectionOf(parts, grant).name}`,
    prepare(grant) {
      connectionOf(parts, grant)
      sessionPolicy(grant)
      return null
    },
    async issue(grant) {
      const { connection } = connectionOf(parts, grant)
      const session = sessionOf(grant)
      const question =
        connection.mode === 'web_identity'
          ? await byWebIdentity(parts, connection, grant, session)
          : byOwnIdentity(parts, connection, grant, session)
      const now = Math.floor(parts.tools.now() / 1000)
      const ours = await routeToken(parts.tokens, grant, settingsOf(grant).audience)
      const keys = await askSts({ ...question, milliseconds, signal: closing.signal, now })
      const until = keys.expiration
      if (!ours) return { ...credentialOf(keys, connection.region), handle: () => ({ until }) }
      const made = { id: keys.accessKeyId, secret: keys.secretAccessKey, session: keys.sessionToken }
      const { region } = connection
      return { ...ours, handle: () => ({ until, region, keys: made }) }
    },
    outlives(handle) {
      const parsed = handleShape.safeParse(handle)
      // Nobody was handed keys before their end was known.
      if (!parsed.success || parsed.data.until * 1000 <= parts.tools.now()) return undefined
      const until = new Date(parsed.data.until * 1000).toISOString().replace('.000Z', 'Z')
      return `STS recalls no keys: these work until ${until}, unless the role denies the tag of their lease`
    },
    close: async () => closing.abort(),
  }
}

function settingsOf(grant: Grant) {
  const parsed = awsRoleSettings.safeParse(grant.settings)
  if (parsed.success)
    return { connection: undefined, session_policy: undefined, audience: undefined, ...parsed.data }
  throw new Failure('target_refused', {
    reason: `the settings of ${grant.target} are not those of an aws_role`,
  })
}

function connectionOf({ connections }: AwsTargetParts, grant: Grant) {
  const wanted = settingsOf(grant).connection
  const names = Object.keys(connections)
  const name = wanted ?? (names.length === 1 ? names[0] : undefined)
  const connection = name !== undefined && Object.hasOwn(connections, name) ? connections[name] : undefined
  if (name !== undefined && connection !== undefined) return { name, connection }
  const reason =
    wanted === undefined
      ? `connections.aws has ${names.length}; the target names none`
      : `connections.aws has no \`${wanted}\``
  throw new Failure('target_refused', { reason })
}

function sessionPolicy(grant: Grant): string | undefined {
  const policy = settingsOf(grant).session_policy
  const text = policy === undefined ? undefined : JSON.stringify(policy)
  if (text === undefined || text.length <= LONGEST_POLICY) return text
  throw new Failure('target_refused', {
    reason: `the session policy of ${grant.target} is longer than ${LONGEST_POLICY} characters`,
  })
}

function formOf(action: string, grant: Grant, session: Session): URLSearchParams {
  const { role } = settingsOf(grant)
  const form = new URLSearchParams({
    Action: action,
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: session.name,
    DurationSeconds: String(Math.max(SHORTEST, grant.expiresAt - grant.issuedAt)),
  })
  const policy = sessionPolicy(grant)
  if (policy !== undefined) form.set('Policy', policy)
  return form
}

type Signed = Pick<StsQuestion, 'url' | 'headers' | 'body'>

const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }

function endpointOf({ region, sts }: AwsConnection): URL {
  return new URL(sts ?? `https://sts.${region}.amazonaws.com`)
}

/** Tags go into the token, never beside it; `roles` pins the one that was granted. */
async function byWebIdentity(
  { sign }: AwsTargetParts,
  connection: AwsConnection,
  grant: Grant,
  session: Session,
): Promise<Signed> {
  const tags = Object.fromEntries(Object.entries(session.tags).map(([key, value]) => [key, [value]]))
  const token = await sign(grant, {
    aud: audience,
    'https://aws.amazon.com/tags': { principal_tags: tags, transitive_tag_keys: [] },
    'https://aws.amazon.com/roles': [settingsOf(grant).role],
  })
  const form = formOf('AssumeRoleWithWebIdentity', grant, session)
  form.set('WebIdentityToken', token)
  return { url: endpointOf(connection), headers: formHeaders, body: form.toString() }
}

function byOwnIdentity(
  { tools }: AwsTargetParts,
  connection: Extract<AwsConnection, { mode: 'assume_role' }>,
  grant: Grant,
  session: Session,
): Signed {
  const form = formOf('AssumeRole', grant, session)
  form.set('SourceIdentity', session.name)
  for (const [at, [key, value]] of Object.entries(session.tags).entries()) {
    form.set(`Tags.member.${at + 1}.Key`, key)
    form.set(`Tags.member.${at + 1}.Value`, value)
  }
  const url = endpointOf(connection)
  const body = form.toString()
  const { access_key_id: id, secret_access_key: secret, session_token: sessionToken } = connection
  const key = { id, secret, ...(sessionToken === undefined ? {} : { sessionToken }) }
  const place = { region: connection.region, service: 'sts' }
  return { url, headers: signed({ url, headers: formHeaders, body }, key, place, tools.now()), body }
}

function credentialOf(keys: StsKeys, region: string): Credential {
  return {
    token: new Secret(keys.secretAccessKey),
    issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    tokenType: 'N_A',
    parts: {
      access_key_id: keys.accessKeyId,
      secret_access_key: new Secret(keys.secretAccessKey),
      session_token: new Secret(keys.sessionToken),
      expiration: new Date(keys.expiration * 1000).toISOString(),
      region,
    },
  }
}
