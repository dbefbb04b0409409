/**
 * Variables that a tool believes before those that we set: with one of them left over, a command would use somebody
 * else's identity, or show our password to another host, and nobody would notice. Named by the kind of the target.
 */
import { devNull } from 'node:os'

const outranking: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  aws_role: {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    AWS_DEFAULT_PROFILE: undefined,
    AWS_ROLE_ARN: undefined,
    AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: undefined,
    // Keys in the machine's own file come before those of an endpoint.
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  },
  postgres_role: { PGSERVICE: undefined, PGHOSTADDR: undefined },
}

/** What the command's environment has instead; `undefined` takes a variable away. */
export function withoutOutranking(kind: string | undefined): Readonly<Record<string, string | undefined>> {
  return kind !== undefined && Object.hasOwn(outranking, kind) ? (outranking[kind] ?? {}) : {}
}
