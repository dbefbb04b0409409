import { z } from 'zod'
import { secretReference } from '../../../base/reference.ts'

/** What a permission allows; each includes those before it. */
export const accesses = ['read', 'write', 'admin'] as const
export type Access = (typeof accesses)[number]

/** `OWNER/NAME`, as GitHub allows them. */
const repository = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/,
    'must be OWNER/NAME',
  )

const permission = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, "must be GitHub's name, such as pull_requests")

/** `contents:read`: a permission of the target, or less of it. */
const scope = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}:(?:read|write|admin)$/, 'must be PERMISSION:ACCESS, such as contents:read')

/** The settings of a target `github_app: { app, repos, permissions }` in a policy. */
export const githubAppSettings = z
  .strictObject({
    app: z.string().min(1).describe('A connection of `connections.github_app` in the configuration'),
    repos: z
      .array(repository)
      .min(1)
      .max(500)
      .describe('Repositories that the token reaches, all of one owner: a token belongs to one installation'),
    permissions: z
      .record(permission, z.enum(accesses))
      .refine((permissions) => Object.keys(permissions).length > 0, 'names no permission')
      .describe("The token's permissions, by GitHub's names; metadata: read comes with every token"),
    audience: z
      .string()
      .regex(/^[\x21-\x7E]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
      .optional()
      .describe('With it a route alone uses the token: the job gets one of ours for this audience'),
    scopes: z
      .union([z.array(scope), z.record(scope, z.string())])
      .optional()
      .describe('Parts of the permissions that a job may ask for by themselves, such as contents:read'),
  })
  .refine(({ repos }) => new Set(repos.map(ownerOf)).size <= 1, {
    path: ['repos'],
    message: 'are of several owners; a token is of one installation: make a target for each owner',
  })
  .refine(
    ({ scopes = [], permissions }) =>
      (Array.isArray(scopes) ? scopes : Object.keys(scopes)).every((each) => isWithin(each, permissions)),
    { path: ['scopes'], message: 'go beyond the permissions' },
  )

export type GithubAppSettings = z.output<typeof githubAppSettings>

/** One entry of `connections.github_app`. */
export const githubAppConnection = z
  .strictObject({
    app_id: z
      .union([
        z.int().min(1).transform(String),
        z.string().regex(/^(?:[1-9][0-9]{0,19}|Iv[A-Za-z0-9.]{6,62})$/, 'must be an App ID or a client ID'),
      ])
      .describe("The app's id (or its client id), from its settings page"),
    private_key: secretReference.describe("The app's private key, PEM as GitHub gives it"),
    api: z
      .string()
      .refine(isPlainUrl, 'must be a URL without credentials, query, fragment or slash at its end')
      .default('https://api.github.com')
      .describe('For GitHub Enterprise Server: https://HOST/api/v3'),
    dangerously_allow_http: z
      .boolean()
      .default(false)
      .describe('Allows http for an API on this machine, for tests'),
  })
  .refine(({ api, dangerously_allow_http }) => isSafe(api, dangerously_allow_http), {
    path: ['api'],
    message: 'must be https; http only on this machine, with dangerously_allow_http: true',
  })

/** The owner of a repository, as GitHub compares it. */
export function ownerOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/')).toLowerCase()
}

/** Whether `a` allows no more than `b`. */
export function isAtMost(a: string, b: string | undefined): boolean {
  const order: readonly (string | undefined)[] = accesses
  const mine = order.indexOf(a)
  return mine >= 0 && mine <= order.indexOf(b)
}

function isWithin(scope: string, permissions: Readonly<Record<string, Access>>): boolean {
  const [name = '', access = ''] = scope.split(':')
  return isAtMost(access, Object.hasOwn(permissions, name) ? permissions[name] : undefined)
}

function isPlainUrl(text: string): boolean {
  const url = URL.parse(text)
  return (
    url !== null && `${url.origin}${url.pathname === '/' ? '' : url.pathname}` === text && !text.endsWith('/')
  )
}

function isSafe(text: string, loopbackHttp: boolean): boolean {
  const url = URL.parse(text)
  const loopback = url !== null && /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(url.hostname)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && loopbackHttp && loopback)
}
