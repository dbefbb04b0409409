/**
 * config: load it. It turns `mayfly.yaml` into a `Config` in which every secret is a `Secret` and every path is
 * absolute, or says everything that is wrong with it, with line and column. It opens nothing and never prints a
 * value that could be a secret. `broker.ts`, `mayfly check` and `scripts/schema.ts` call it.
 */
import { z } from 'zod'
import { address } from '../base/address.ts'
import { type SecretReference, secretReference } from '../base/reference.ts'
import type { Secret } from '../base/secret.ts'
import { connectionSettings } from '../issue/connections.ts'
import { keySettings } from '../issue/settings.ts'
import { approvalSettings, connectorSettings, routeSettings } from '../route/settings.ts'
import { storeSettings } from '../store/settings.ts'
import { issuerSettings } from '../verify/settings.ts'
import { dialectSettings } from './dialects.ts'

/** Names that policies, metrics and messages use. */
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens, and start with a letter')

/** Known, so that a file written for a later version gets a plain answer; refused, so that nothing is ignored. */
function later(what: string) {
  return z
    .unknown()
    .refine((value) => isEmpty(value), `${what} comes with a later version; leave it out`)
    .transform(() => undefined)
    .optional()
    .describe(`Reserved: ${what} comes with a later version`)
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && Object.values(value).every(isEmpty)
}

/** `mayfly.yaml`. Every object is strict; what is not listed here is refused. */
export const configSchema = z.strictObject({
  url: z
    .string()
    .describe('Our issuer, and the audience that subject tokens must carry. https, no trailing slash'),
  listen: address.prefault('127.0.0.1:8080').describe('Address of the doors'),
  store: storeSettings.describe('Where leases, spent tokens, keys and the log are kept'),
  keys: keySettings.describe('The keys that sign our tokens, and the one that encrypts them at rest'),
  issuers: z
    .record(name, issuerSettings)
    .refine((issuers) => Object.keys(issuers).length > 0, 'names no issuer, so nobody could be believed')
    .describe('Whose tokens we believe; the name is the one that policies use'),
  connections: connectionSettings.prefault({}).describe('What targets in the policy refer to by name'),
  policies: z.string().min(1).prefault('./policies').describe('Folder of *.policy.yaml and policy.lock.yaml'),
  webhooks: z
    .strictObject({
      github: z
        .strictObject({
          secret: secretReference.describe("The webhook's secret, as GitHub has it"),
          ask: z
            .record(name, name)
            .default({})
            .describe(
              'By issuer, the connection of `github_app` by which runs are asked for whose end nobody told; it needs `actions: read`',
            ),
        })
        .optional()
        .describe('Events workflow_job and workflow_run, so that leases end with their job and their run'),
      auth0: later('the log stream of Auth0'),
    })
    .prefault({}),
  connectors: connectorSettings.prefault({}),
  routes: z.array(routeSettings).default([]).describe('Protocols that we carry to what stands behind us'),
  approvals: approvalSettings
    .optional()
    .describe('Who approves calls of scopes with `hold: true`; without it no policy may have one'),
  dialects: dialectSettings.prefault({}).describe('Protocols of other brokers, for clients that know those'),
  audit: z
    .strictObject({
      reader: secretReference
        .optional()
        .describe('Bearer secret of those who may read entries; without it that door does not exist'),
      witness: later('a witness'),
      export: later('an export'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      exchanges_per_job: z
        .int()
        .min(1)
        .max(10_000)
        .default(32)
        .describe('Credentials that one job may have in all'),
    })
    .prefault({}),
  introspection: z
    .array(
      z.strictObject({
        name: name.describe('User name of HTTP Basic'),
        target: z.string().min(1).describe('The target whose tokens it may ask about'),
        secret: secretReference.describe('Password of HTTP Basic'),
      }),
    )
    .default([])
    .describe('Resource servers that may introspect the tokens of their target'),
})

/** As written, after defaults and transformations, with references in place. */
export type ParsedConfig = z.output<typeof configSchema>

/** The same with every reference replaced by its secret. An object that is exactly a reference is one, anywhere. */
export type Resolved<T> = T extends SecretReference
  ? Secret
  : T extends readonly (infer Item)[]
    ? readonly Resolved<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Resolved<T[Key]> }
      : T

/** What the broker is opened with. Paths are absolute, durations are seconds. */
export type Config = Resolved<ParsedConfig>
