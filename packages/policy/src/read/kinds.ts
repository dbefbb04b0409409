/**
 * kinds: what a policy may say about each kind of target. A policy names connections, it never holds their URLs or
 * keys. What a kind does with its settings is the broker's business.
 */
import type { Access } from '../policy.ts'

export interface TargetKind {
  /** The value is one text, such as a role's name. */
  readonly text?: boolean
  /** Keys of the value when it is a map. `undefined` = the kind's own, not looked at here. */
  readonly required?: readonly string[]
  readonly optional?: readonly string[]
  /** It lists the scopes that it can give. */
  readonly scopes?: boolean
  /** Routes of ours carry what its credentials are for, an API or a database; a scope may list what it lets through. */
  readonly lists?: 'requests' | 'statements'
  /** It names exactly one audience, or may. */
  readonly audience?: 'always' | 'optional'
}

export const targetKinds: ReadonlyMap<string, TargetKind> = new Map<string, TargetKind>([
  [
    'aws_role',
    {
      text: true,
      required: ['role'],
      optional: ['session_policy', 'connection', 'audience'],
      audience: 'optional',
    },
  ],
  [
    'gcp_service_account',
    { text: true, required: ['service_account'], optional: ['oauth_scopes', 'connection'] },
  ],
  [
    'github_app',
    {
      required: ['app', 'repos', 'permissions'],
      optional: ['scopes', 'audience'],
      scopes: true,
      audience: 'optional',
    },
  ],
  ['mysql_role', { required: ['server', 'role'], optional: ['schema'] }],
  [
    'postgres_role',
    {
      required: ['server', 'role'],
      optional: ['schema', 'audience', 'scopes'],
      scopes: true,
      lists: 'statements',
      audience: 'optional',
    },
  ],
  ['redis_user', { required: ['server', 'rules'] }],
  ['secret', { text: true, required: ['name'] }],
  [
    'token',
    { required: ['audience'], optional: ['scopes'], scopes: true, lists: 'requests', audience: 'always' },
  ],
  ['auth0', { required: ['tenant', 'audience'], optional: ['scopes'], scopes: true, audience: 'always' }],
  [
    'ssh',
    {
      required: ['authority', 'principals'],
      optional: ['extensions', 'source_address', 'force_command'],
    },
  ],
  ['azure', { required: ['client', 'scope'], optional: ['tenant'] }],
  ['kubernetes', { required: ['cluster', 'namespace', 'service_account'], optional: ['audiences'] }],
])

export const accessNames: readonly Access[] = ['read', 'write', 'admin']

/** The greatest of some accesses; `read` when there are none. */
export function greatest(accesses: Iterable<Access>): Access {
  return [...accesses].reduce((a, b) => (accessNames.indexOf(b) > accessNames.indexOf(a) ? b : a), 'read')
}
