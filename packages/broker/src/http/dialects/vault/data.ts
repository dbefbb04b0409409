import type { Json } from '../../../base/canonical-json.ts'
import { Failure } from '../../../base/failure.ts'
import { Secret } from '../../../base/secret.ts'
import type { ExchangeAnswer } from '../../../exchange.ts'

/** What stands before the name in a path of Vault's engines; `any`: a path of the configuration. */
export type Engine = 'creds' | 'sts' | 'data' | 'token' | 'issue' | 'any'

const databases = ['postgres_role', 'mysql_role', 'redis_user']
const tokens = ['token', 'github_app', 'gcp_service_account', 'azure', 'auth0']

const kinds: Readonly<Record<Engine, readonly string[] | undefined>> = {
  creds: [...databases, 'aws_role', 'kubernetes'],
  sts: ['aws_role'],
  data: ['secret'],
  token: tokens,
  issue: ['ssh'],
  any: undefined,
}

/** The kinds of target that an engine's paths give; `undefined`: all. */
export function kindsOf(engine: Engine): ReadonlySet<string> | undefined {
  const those = kinds[engine]
  return those === undefined ? undefined : new Set(those)
}

type Parts = Readonly<Record<string, string>>

/** The names of Vault's engines for what each kind of target delivers. */
const names: Readonly<Record<string, (parts: Parts) => Record<string, string | undefined>>> = {
  aws_role: ({ access_key_id, secret_access_key, session_token }) => ({
    ...{ access_key: access_key_id, secret_key: secret_access_key },
    // Older clients know it by its first name.
    ...{ security_token: session_token, session_token },
  }),
  kubernetes: ({ token, server, certificate_authority }) => ({
    ...{ service_account_token: token, server, certificate_authority },
  }),
  ssh: ({ private_key, certificate, principals }) => ({
    ...{ private_key, private_key_type: 'ed25519', signed_key: certificate, valid_principals: principals },
  }),
}

/** `data` of the answer. */
export function dataOf(engine: Engine, { kind, credential, expiresAt }: ExchangeAnswer, key?: string): Json {
  const token = credential.token.reveal()
  const parts = textsOf(credential.parts ?? {})
  if (kind === 'secret') {
    const value = { [key ?? 'value']: token }
    return engine === 'data'
      ? { data: value, metadata: { version: 1, destroyed: false, deletion_time: '' } }
      : value
  }
  if (key !== undefined) return { [key]: token }
  if (databases.includes(kind)) return { username: parts['user'] ?? '', ...without(parts, 'user') }
  if (tokens.includes(kind)) return { token, expires_at_seconds: expiresAt }
  const named = names[kind]
  if (named === undefined)
    throw new Failure('internal', { reason: `a credential of kind ${kind} has no form here` })
  return Object.fromEntries(
    Object.entries(named(parts)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function textsOf(parts: NonNullable<ExchangeAnswer['credential']['parts']>): Parts {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, part instanceof Secret ? part.reveal() : part]),
  )
}

function without(parts: Parts, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(parts).filter(([each]) => each !== name))
}
